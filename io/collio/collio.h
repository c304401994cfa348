/* Everything of collio: how ranks agree (core.h) and files (io.h). */
#ifndef COLLIO_COLLIO_H
#define COLLIO_COLLIO_H

#include <collio/core.h>
#include <collio/io.h>

#endif
