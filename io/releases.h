/*
 * What HDF5's releases have under different names. Never installed.
 */
#ifndef COLLIO_IO_RELEASES_H
#define COLLIO_IO_RELEASES_H

#include <hdf5.h>

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t collio_object_facts;
typedef H5O_token_t collio_object_token;
typedef H5L_info2_t collio_link_facts;
#define COLLIO_OBJECT_FACTS        H5Oget_info3
#define COLLIO_OBJECT_FACTS_OF     H5Oget_info_by_name3
#define COLLIO_OBJECT_TOKEN(facts) (facts).token
#define COLLIO_OBJECT_OPEN         H5Oopen_by_token
#define COLLIO_LINK_FACTS          H5Lget_info2
#define COLLIO_LINK_ITERATE        H5Literate2
#define COLLIO_LINK_VISIT          H5Lvisit2
#else
typedef H5O_info_t collio_object_facts;
typedef haddr_t collio_object_token;
typedef H5L_info_t collio_link_facts;
#define COLLIO_OBJECT_FACTS        H5Oget_info2
#define COLLIO_OBJECT_FACTS_OF     H5Oget_info_by_name2
#define COLLIO_OBJECT_TOKEN(facts) (facts).addr
#define COLLIO_OBJECT_OPEN         H5Oopen_by_addr
#define COLLIO_LINK_FACTS          H5Lget_info
#define COLLIO_LINK_ITERATE        H5Literate
#define COLLIO_LINK_VISIT          H5Lvisit
#endif

#if H5_VERSION_GE(2, 0, 0)
#define COLLIO_TYPE_DECODE H5Tdecode2
#else
#define COLLIO_TYPE_DECODE(bytes, size) H5Tdecode(bytes)
#endif

#endif
