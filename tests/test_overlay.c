/* Bytes laid over a file, against a plain array. ranks: 1 */
#include "io/overlay.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 600

static int one_case(int writes)
{
    unsigned char plain[SIZE], seen[SIZE], bytes[SIZE];
    collio_overlay o = {NULL, 0, 0};
    int right = 1, end = 0;

    memset(plain, 0, sizeof plain);
    for (int i = 0; i < writes; i++) {
        int start = rand() % SIZE, size = rand() % (rand() % 4 ? 20 : 200);

        size = size < SIZE - start ? size : SIZE - start;
        memset(bytes, 1 + i % 255, sizeof bytes);
        memcpy(plain + start, bytes, (size_t)size);
        right = right && collio_overlay_write(&o, start, size, bytes) == 0;
        if (size > 0 && start + size > end)
            end = start + size;
        memset(seen, 0, sizeof seen);
        start = rand() % SIZE;
        collio_overlay_read(&o, start, SIZE - start, seen + start);
        right = right && memcmp(seen + start, plain + start, (size_t)(SIZE - start)) == 0;
    }
    for (int64_t i = 1; i < o.count; i++)
        right = right && o.pieces[i - 1].start + o.pieces[i - 1].size < o.pieces[i].start;
    right = right && collio_overlay_end(&o) == end;
    collio_overlay_drop(&o);
    return right && o.count == 0;
}

static void test_digest(void)
{
    collio_overlay a = {NULL, 0, 0}, b = {NULL, 0, 0};
    char bytes[40] = "";

    collio_overlay_write(&a, 10, 20, bytes);
    collio_overlay_write(&b, 20, 10, bytes);
    collio_overlay_write(&b, 10, 10, bytes);
    tap_ok(a.count == 1 && b.count == 1 && collio_overlay_digest(&a) == collio_overlay_digest(&b),
           "pieces that touch are one, in whatever order they came");
    collio_overlay_write(&b, 31, 1, bytes);
    tap_ok(b.count == 2 && collio_overlay_digest(&a) != collio_overlay_digest(&b),
           "one byte between them keeps two apart");
    collio_overlay_drop(&a);
    collio_overlay_drop(&b);
}

int main(int argc, char **argv)
{
    int right = 1;

    MPI_Init(&argc, &argv);
    tap_begin();
    srand(1);
    for (int i = 0; i < 3000 && right; i++)
        right = one_case(rand() % 60);
    tap_ok(right, "3000 random overlays");
    test_digest();
    MPI_Finalize();
    return tap_end();
}
