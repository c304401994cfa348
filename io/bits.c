/* Bit fields, which other programs store booleans as, are read and written as unsigned integers of
 * their size. HDF5 has no conversion for them, so it is given one. */
#include "hdf.h"

/* Whether the bits are the same in both. */
static int is_alike(hid_t from, hid_t to)
{
    return H5Tget_size(from) == H5Tget_size(to) && H5Tget_order(from) == H5Tget_order(to) &&
           H5Tget_precision(from) == 8 * H5Tget_size(from) &&
           H5Tget_precision(to) == 8 * H5Tget_size(to);
}

static herr_t keep_bits(hid_t from, hid_t to, H5T_cdata_t *how, size_t count, size_t stride,
                        size_t background_stride, void *elements, void *background, hid_t list)
{
    (void)count, (void)stride, (void)background_stride, (void)elements, (void)background;
    (void)list;
    if (how->command != H5T_CONV_INIT)
        return 0;
    how->need_bkg = H5T_BKG_NO;
    return is_alike(from, to) ? 0 : -1;
}

void collio_bits_register(void)
{
    H5Tregister(H5T_PERS_SOFT, "bits to number", H5T_STD_B8LE, H5T_STD_U8LE, keep_bits);
    H5Tregister(H5T_PERS_SOFT, "number to bits", H5T_STD_U8LE, H5T_STD_B8LE, keep_bits);
}
