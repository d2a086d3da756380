/* rfl_dirfile.h: the bytes of a compiled directory (FORMAT.md), shared by the builder and the reader. Internal. */
#ifndef RFL_DIRFILE_H
#define RFL_DIRFILE_H

#include "rfl_date.h"
#include "rfl_facts.h"

#define RFL_DIR_MAGIC "RFLDIRY\n"
enum {
    RFL_DIR_VERSION = 1,
    RFL_DIR_HEADER_BYTES = 256,
    RFL_DIR_LABEL_BYTES = 32,
    RFL_DIR_PLACE_BYTES = 32, RFL_DIR_PLACES_MAX = 4096,
    RFL_DIR_SOURCE_BYTES = 64, RFL_DIR_SOURCES_MAX = 255,
    RFL_DIR_KEY_BYTES = 8, RFL_DIR_ENTRY_BYTES = 8, RFL_DIR_FENCE_EVERY = 64,
    RFL_DIR_PRACTICE_BYTES = 32,
    RFL_DIR_POSTCODES_MAX = 16 * 1024 * 1024, RFL_DIR_PRACTICES_MAX = 1024 * 1024,
    RFL_DIR_BLOCK_BYTES = 32                        /* the body is a multiple of it: what the checksum eats at a time */
};

/* Flags of an entry: those of a clue, and what only the file and `directory lookup` need. */
enum { RFL_DIR_GP_PRACTICE = 128 };

struct rfl__dir_header {
    char label[RFL_DIR_LABEL_BYTES];
    uint16_t edition;
    struct rfl_date effective;
    int64_t effective_ms;
    uint32_t place_count, source_count, postcode_count, practice_count;
    uint64_t body_checksum;
};

/* Where each section starts, in bytes from the start of the file: a function of the counts alone. */
struct rfl__dir_layout { uint64_t places, sources, fences, keys, entries, practices, file_bytes; };

struct rfl__dir_layout rfl__dir_layout_of(const struct rfl__dir_header *header);
void rfl__dir_header_write(const struct rfl__dir_header *header, uint8_t out[RFL_DIR_HEADER_BYTES]);
/* RFL_E_CORRUPT: not a directory, or damaged; RFL_E_VERSION: of another version. *rule then says which check failed. */
RFL_MUST_USE enum rfl_err rfl__dir_header_read(const uint8_t in[RFL_DIR_HEADER_BYTES], uint64_t file_bytes,
                                               struct rfl__dir_header *out, const char **rule);
/* Four interleaved lanes, each a bijection of what came before, so a change of any one word changes the sum. `len` is a
 * multiple of RFL_DIR_BLOCK_BYTES. Finds damage, not malice. */
uint64_t rfl__dir_checksum(const uint8_t *p, size_t len);

static inline uint16_t rfl__get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t rfl__get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t rfl__get64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}
static inline void rfl__put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void rfl__put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}
static inline void rfl__put64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

#endif
