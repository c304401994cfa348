/* What the files on topologies share: topology.c, graph.c, comm_collect.c, comm_neighbor.c. */
#ifndef COLLIO_TOPOLOGY_H
#define COLLIO_TOPOLOGY_H

#include "bindings.h"

/* How many neighbours send to this rank and how many it sends to. 0 or -1. */
int topology_degrees(MPI_Comm comm, int *in, int *out);

/* Ranks and weights of a distributed graph's neighbours; weights may be NULL. 0 or -1. */
int topology_neighbors(MPI_Comm comm, int n_in, int *in, int *in_weights, int n_out, int *out,
                       int *out_weights);

#endif
