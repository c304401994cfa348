/*
 * Constants of newer standards, or of other MPI libraries, that the MPI here may
 * not have. An absent datatype is the null one; an absent error class is none
 * that occurs; an absent number is one that MPI refuses.
 */
#ifndef COLLIO_ABSENT_H
#define COLLIO_ABSENT_H

#include "config.h"

#include <mpi.h>

/* --------------------------------------------------------------- error classes */

#ifndef MPI_ERR_ABI
#define MPI_ERR_ABI MPI_ERR_LASTCODE
#endif
#ifndef MPI_ERR_ERRHANDLER
#define MPI_ERR_ERRHANDLER MPI_ERR_LASTCODE
#endif
#ifndef MPI_ERR_PROC_ABORTED
#define MPI_ERR_PROC_ABORTED MPI_ERR_LASTCODE
#endif
#ifndef MPI_ERR_SESSION
#define MPI_ERR_SESSION MPI_ERR_LASTCODE
#endif
#ifndef MPI_ERR_VALUE_TOO_LARGE
#define MPI_ERR_VALUE_TOO_LARGE MPI_ERR_LASTCODE
#endif

/* MPICH declares those of fault tolerance without the parentheses that would make
 * them one value. */
#if defined MPIX_ERR_PROC_FAILED && !defined MPI_ERR_PROC_FAILED
#define MPI_ERR_PROC_FAILED         (MPIX_ERR_PROC_FAILED)
#define MPI_ERR_PROC_FAILED_PENDING (MPIX_ERR_PROC_FAILED_PENDING)
#define MPI_ERR_REVOKED             (MPIX_ERR_REVOKED)
#endif
#ifndef MPI_ERR_PROC_FAILED
#define MPI_ERR_PROC_FAILED         MPI_ERR_LASTCODE
#define MPI_ERR_PROC_FAILED_PENDING MPI_ERR_LASTCODE
#define MPI_ERR_REVOKED             MPI_ERR_LASTCODE
#endif

/* ------------------------------------------------------------------ error handlers */

/* All processes instead of those of the communicator alone. */
#ifndef MPI_ERRORS_ABORT
#define MPI_ERRORS_ABORT MPI_ERRORS_ARE_FATAL
#endif

/* ------------------------------------------------------------------------- handles */

/* There are none but the null one. */
#ifndef HAVE_MPI_SESSION_INIT
typedef struct absent_session *MPI_Session;
#define MPI_SESSION_NULL         ((MPI_Session)NULL)
#define MPI_Session_c2f(session) ((session) == NULL ? 0 : -1)
#define MPI_Session_f2c(number)  ((void)(number), MPI_SESSION_NULL)
#endif

/* --------------------------------------------------------------------- numbers */

#define ABSENT_NUMBER (-32766)

#ifndef MPI_COMM_TYPE_HW_GUIDED
#define MPI_COMM_TYPE_HW_GUIDED   ABSENT_NUMBER
#define MPI_COMM_TYPE_HW_UNGUIDED ABSENT_NUMBER
#endif
#ifndef MPI_COMM_TYPE_RESOURCE_GUIDED
#define MPI_COMM_TYPE_RESOURCE_GUIDED ABSENT_NUMBER
#endif
#if MPI_VERSION < 4
#define MPI_COMBINER_VALUE_INDEX ABSENT_NUMBER
#elif MPI_VERSION == 4 && MPI_SUBVERSION == 0
#define MPI_COMBINER_VALUE_INDEX ABSENT_NUMBER
#endif
#ifndef MPI_TYPECLASS_LOGICAL
#define MPI_TYPECLASS_LOGICAL ABSENT_NUMBER
#endif
#ifndef MPI_MAX_PSET_NAME_LEN
#define MPI_MAX_PSET_NAME_LEN 1
#endif
#ifndef MPI_MAX_STRINGTAG_LEN
#define MPI_MAX_STRINGTAG_LEN 1
#endif

/* Integers of a status in Fortran, and the place of each part among them. */
#ifndef MPI_F_STATUS_SIZE
#define MPI_F_STATUS_SIZE ((int)(sizeof(MPI_Status) / sizeof(int)))
#define MPI_F_SOURCE      ((int)(offsetof(MPI_Status, MPI_SOURCE) / sizeof(int)))
#define MPI_F_TAG         ((int)(offsetof(MPI_Status, MPI_TAG) / sizeof(int)))
#define MPI_F_ERROR       ((int)(offsetof(MPI_Status, MPI_ERROR) / sizeof(int)))
#endif

/* ------------------------------------------------------------------- datatypes */

#ifndef MPI_FLOAT16_T
#ifdef MPIX_C_FLOAT16
#define MPI_FLOAT16_T MPIX_C_FLOAT16
#else
#define MPI_FLOAT16_T MPI_DATATYPE_NULL
#endif
#endif
#ifndef MPI_BFLOAT16_T
#define MPI_BFLOAT16_T MPI_DATATYPE_NULL
#endif
#ifndef MPI_LOGICAL1
#define MPI_LOGICAL1 MPI_DATATYPE_NULL
#endif
#ifndef MPI_LOGICAL2
#define MPI_LOGICAL2 MPI_DATATYPE_NULL
#endif
#ifndef MPI_LOGICAL4
#define MPI_LOGICAL4 MPI_DATATYPE_NULL
#endif
#ifndef MPI_LOGICAL8
#define MPI_LOGICAL8 MPI_DATATYPE_NULL
#endif
#ifndef MPI_LOGICAL16
#define MPI_LOGICAL16 MPI_DATATYPE_NULL
#endif
#ifndef MPI_INTEGER16
#define MPI_INTEGER16 MPI_DATATYPE_NULL
#endif
#ifndef MPI_REAL2
#define MPI_REAL2 MPI_DATATYPE_NULL
#endif
#ifndef MPI_REAL16
#define MPI_REAL16 MPI_DATATYPE_NULL
#endif
#ifndef MPI_COMPLEX4
#define MPI_COMPLEX4 MPI_DATATYPE_NULL
#endif
#ifndef MPI_COMPLEX32
#define MPI_COMPLEX32 MPI_DATATYPE_NULL
#endif

#endif
