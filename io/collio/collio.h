/* Everything of collio: how ranks agree (core.h), files (io.h), checkpoints (checkpoint.h). */
#ifndef COLLIO_COLLIO_H
#define COLLIO_COLLIO_H

#include <collio/core.h>
#include <collio/io.h>
#include <collio/checkpoint.h>

#endif
