/* The journal of a change of structure: see journal.h. */
#include "journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the superblock was. */
typedef struct mark {
    char magic[8];
    int64_t at;      /* where the journal is */
    int64_t size;    /* bytes of it */
    uint64_t digest; /* of it */
} mark;

static const char magic[8] = "\211collio";

/* Before the bytes of each piece. */
typedef struct piece_head {
    int64_t start, size;
} piece_head;

/* ----------------------------------------------------------------- write */

static char *pack(const collio_overlay *old, int64_t *size)
{
    char *bytes, *to;

    *size = 0;
    for (int64_t i = 0; i < old->count; i++)
        *size += (int64_t)sizeof(piece_head) + old->pieces[i].size;
    bytes = to = malloc((size_t)*size);
    for (int64_t i = 0; bytes != NULL && i < old->count; i++) {
        piece_head head = {old->pieces[i].start, old->pieces[i].size};

        memcpy(to, &head, sizeof head);
        memcpy(to + sizeof head, old->pieces[i].bytes, (size_t)head.size);
        to += sizeof head + (size_t)head.size;
    }
    return bytes;
}

int collio_journal_write(const collio_disk *disk, const collio_overlay *old, int64_t superblock,
                         int64_t at, collio_error *err)
{
    mark m = {.at = at};
    char *bytes = pack(old, &m.size);

    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the journal of '%s'",
                                disk->path);
    memcpy(m.magic, magic, sizeof magic);
    m.digest = collio_hash(0, bytes, (size_t)m.size);
    if (collio_posix_write(disk->fd, bytes, (size_t)m.size, at, disk->path, err) == COLLIO_OK)
        collio_posix_write(disk->fd, &m, sizeof m, superblock, disk->path, err);
    free(bytes);
    return err->code;
}

/* --------------------------------------------------------------- restore */

int collio_journal_restore(const collio_disk *disk, const collio_overlay *old, int64_t superblock,
                           collio_error *err)
{
    int64_t fixed = superblock + COLLIO_SUPERBLOCK_BYTES;

    if (collio_disk_write_part(disk, old, fixed, INT64_MAX, err) == COLLIO_OK)
        collio_disk_write_part(disk, old, 0, fixed, err);
    return err->code;
}

/* Look for a mark where HDF5 looks for superblocks. */
static int find(const collio_disk *disk, mark *m, int64_t *place, collio_error *err)
{
    for (*place = 0; *place<disk->eof; *place = *place> 0 ? 2 * *place : 512) {
        if (collio_disk_read(disk, m, sizeof *m, *place, err))
            return 0;
        if (memcmp(m->magic, magic, sizeof magic) == 0)
            return m->at > *place && m->size > 0 && m->at <= disk->eof - m->size;
    }
    return 0;
}

static int unpack(const char *bytes, int64_t size, collio_overlay *old, collio_error *err)
{
    const char *end = bytes + size;
    piece_head head;

    while (end - bytes >= (ptrdiff_t)sizeof head) {
        memcpy(&head, bytes, sizeof head);
        bytes += sizeof head;
        if (head.size < 0 || head.size > end - bytes)
            break;
        if (collio_overlay_write(old, head.start, head.size, bytes))
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a journal");
        bytes += head.size;
    }
    return COLLIO_OK;
}

/* Undo by the journal that a mark at `place` points to. */
static int undo(const collio_disk *disk, const mark *m, int64_t place, collio_error *err)
{
    collio_overlay old = {NULL, 0, 0};
    char *bytes = malloc((size_t)m->size);

    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a journal");
    if (collio_disk_read(disk, bytes, m->size, m->at, err))
        goto done;
    if (collio_hash(0, bytes, (size_t)m->size) != m->digest) {
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': the journal of its last change is damaged",
                         disk->path);
        goto done;
    }
    if (unpack(bytes, m->size, &old, err) == COLLIO_OK &&
        collio_journal_restore(disk, &old, place, err) == COLLIO_OK)
        collio_sys(ftruncate(disk->fd, (off_t)m->at) != 0, "ftruncate", disk->path, err);
done:
    collio_overlay_drop(&old);
    free(bytes);
    return err->code;
}

int collio_journal_recover(const collio_disk *disk, int writable, collio_error *err)
{
    int64_t place;
    mark m;

    if (!find(disk, &m, &place, err))
        return err->code;
    if (!writable)
        return collio_error_set(err, COLLIO_ERR_DAMAGED,
                                "'%s': a job died while it wrote the structure; open the file for "
                                "writing once, and the last state before that is back",
                                disk->path);
    return undo(disk, &m, place, err);
}
