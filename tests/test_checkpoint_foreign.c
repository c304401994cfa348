/* A checkpoint is plain HDF5: its library and h5dump read what was saved. ranks: 1 3 */
#include "checkpoint_tools.h"

#include <hdf5.h>

static const char path[] = "plain/step-000000000007.h5";

static int read_with_hdf5(hid_t file, const char *name, hid_t type, void *values)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    int right = dataset >= 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;

    if (dataset >= 0)
        H5Dclose(dataset);
    return right;
}

static int64_t read_attribute(hid_t file, const char *name)
{
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    int64_t value = -1;

    if (attribute >= 0) {
        H5Aread(attribute, H5T_NATIVE_INT64, &value);
        H5Aclose(attribute);
    }
    return value;
}

static void test_arrays(hid_t file)
{
    static double u[ROWS * COLUMNS];
    static int16_t v[ROWS * COLUMNS];
    double t = 0.0;
    int right = read_with_hdf5(file, "u", H5T_NATIVE_DOUBLE, u) &&
                read_with_hdf5(file, "fields/v", H5T_NATIVE_INT16, v);

    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        right &= u[i] == u_value(7, i) && v[i] == v_value(7, i);
    tap_ok(right, "the arrays");
    tap_ok(read_with_hdf5(file, "t", H5T_NATIVE_DOUBLE, &t) && t == 7.0, "the scalar");
}

static void test_states(hid_t file)
{
    char bytes[256] = "";
    int64_t sizes[8] = {0};
    int right = read_with_hdf5(file, "who", H5T_NATIVE_UINT8, bytes) &&
                read_with_hdf5(file, "who.sizes", H5T_NATIVE_INT64, sizes);

    tap_ok(right && strncmp(bytes, "rank 0 at 7", 11) == 0 && sizes[0] == 11 &&
               strncmp(bytes + 11 * (tap_size - 1) + 5, tap_size == 1 ? "0" : "2", 1) == 0,
           "the bytes of each rank");
    tap_ok(read_attribute(file, "collio_step") == 7 &&
               read_attribute(file, "collio_writers") == tap_size,
           "the attributes");
}

/* The shell's word for it, where h5dump is installed. */
static void test_h5dump(void)
{
    int status = tap_rank == 0 ? system("h5dump -H -p plain/step-000000000007.h5 >dump 2>&1") : 0;
    FILE *dump = tap_rank == 0 && status == 0 ? fopen("dump", "r") : NULL;
    char line[256];
    int contiguous = 0;

    MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (status != 0) {
        tap_skip("h5dump", "it is not installed");
        return;
    }
    while (dump != NULL && fgets(line, sizeof line, dump) != NULL)
        contiguous += strstr(line, "CONTIGUOUS") != NULL;
    if (dump != NULL)
        fclose(dump);
    tap_ok(tap_rank != 0 || contiguous == 5, "h5dump sees five contiguous datasets");
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c;
    hid_t file;

    MPI_Init(&argc, &argv);
    tap_begin();
    c = open_checkpoint("plain", 0, COLLIO_VERIFY_ALL);
    tap_ok(little_save(c, 7, &err) == COLLIO_OK, "save: %s", err.text);
    file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (tap_ok(file >= 0, "HDF5 opens the file")) {
        test_arrays(file);
        test_states(file);
        H5Fclose(file);
    }
    test_h5dump();
    tap_ok(little_is_newest(c, 7), "reading has not changed it");
    collio_checkpoint_close(&c, &err);
    MPI_Finalize();
    return tap_end();
}
