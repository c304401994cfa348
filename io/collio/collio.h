/* Everything of collio: how ranks agree (core.h), files (io.h, reference.h), checkpoints (checkpoint.h), raw files
 * (view.h), whether the environment holds together (doctor.h). */
#ifndef COLLIO_COLLIO_H
#define COLLIO_COLLIO_H

#include <collio/core.h>
#include <collio/io.h>
#include <collio/reference.h>
#include <collio/checkpoint.h>
#include <collio/view.h>
#include <collio/doctor.h>

#endif
