#include "rfl_dirfile.h"

/* Offsets in the header; FORMAT.md has the same table. */
enum {
    AT_MAGIC = 0, AT_VERSION = 8, AT_HEADER_BYTES = 12, AT_FILE_BYTES = 16, AT_BODY_CHECKSUM = 24, AT_EDITION = 32,
    AT_EFFECTIVE = 36, AT_EFFECTIVE_MS = 40, AT_LABEL = 48, AT_PLACES = 80, AT_SOURCES = 84, AT_POSTCODES = 88,
    AT_PRACTICES = 92, AT_HEADER_CHECKSUM = 248
};

/* Taken over the whole header with the checksum itself as zero. */
static uint64_t header_checksum(const uint8_t header[RFL_DIR_HEADER_BYTES])
{
    uint8_t covered[RFL_DIR_HEADER_BYTES];
    memcpy(covered, header, RFL_DIR_HEADER_BYTES);
    rfl__put64(covered + AT_HEADER_CHECKSUM, 0);
    return rfl__dir_checksum(covered, RFL_DIR_HEADER_BYTES);
}

struct rfl__dir_layout rfl__dir_layout_of(const struct rfl__dir_header *h)
{
    struct rfl__dir_layout at;
    uint64_t fence_count = (h->postcode_count + RFL_DIR_FENCE_EVERY - 1) / RFL_DIR_FENCE_EVERY;
    at.places = RFL_DIR_HEADER_BYTES;
    at.sources = at.places + (uint64_t)h->place_count * RFL_DIR_PLACE_BYTES;
    at.practices = at.sources + (uint64_t)h->source_count * RFL_DIR_SOURCE_BYTES;
    at.fences = at.practices + (uint64_t)h->practice_count * RFL_DIR_PRACTICE_BYTES;
    at.keys = at.fences + fence_count * RFL_DIR_KEY_BYTES;
    at.entries = at.keys + (uint64_t)h->postcode_count * RFL_DIR_KEY_BYTES;
    uint64_t end = at.entries + (uint64_t)h->postcode_count * RFL_DIR_ENTRY_BYTES;
    at.file_bytes = (end + RFL_DIR_BLOCK_BYTES - 1) / RFL_DIR_BLOCK_BYTES * RFL_DIR_BLOCK_BYTES;
    return at;
}

void rfl__dir_header_write(const struct rfl__dir_header *h, uint8_t out[RFL_DIR_HEADER_BYTES])
{
    memset(out, 0, RFL_DIR_HEADER_BYTES);
    memcpy(out + AT_MAGIC, RFL_DIR_MAGIC, 8);
    rfl__put32(out + AT_VERSION, RFL_DIR_VERSION);
    rfl__put32(out + AT_HEADER_BYTES, RFL_DIR_HEADER_BYTES);
    rfl__put64(out + AT_FILE_BYTES, rfl__dir_layout_of(h).file_bytes);
    rfl__put64(out + AT_BODY_CHECKSUM, h->body_checksum);
    rfl__put16(out + AT_EDITION, h->edition);
    rfl__put32(out + AT_EFFECTIVE, (uint32_t)h->effective.year * 10000 + h->effective.month * 100u + h->effective.day);
    rfl__put64(out + AT_EFFECTIVE_MS, (uint64_t)h->effective_ms);
    memcpy(out + AT_LABEL, h->label, RFL_DIR_LABEL_BYTES);
    rfl__put32(out + AT_PLACES, h->place_count);
    rfl__put32(out + AT_SOURCES, h->source_count);
    rfl__put32(out + AT_POSTCODES, h->postcode_count);
    rfl__put32(out + AT_PRACTICES, h->practice_count);
    rfl__put64(out + AT_HEADER_CHECKSUM, header_checksum(out));
}

enum rfl_err rfl__dir_header_read(const uint8_t in[RFL_DIR_HEADER_BYTES], uint64_t file_bytes,
                                  struct rfl__dir_header *out, const char **rule)
{
    if (memcmp(in + AT_MAGIC, RFL_DIR_MAGIC, 8) != 0) {
        *rule = "this is not a compiled directory";
        return RFL_E_CORRUPT;
    }
    if (rfl__get32(in + AT_VERSION) != RFL_DIR_VERSION) {
        *rule = "the directory was compiled by another version; build it again with this one";
        return RFL_E_VERSION;
    }
    uint32_t day = rfl__get32(in + AT_EFFECTIVE);
    *out = (struct rfl__dir_header){
        .edition = rfl__get16(in + AT_EDITION),
        .effective = { (int32_t)(day / 10000), (uint8_t)(day / 100 % 100), (uint8_t)(day % 100) },
        .effective_ms = (int64_t)rfl__get64(in + AT_EFFECTIVE_MS),
        .place_count = rfl__get32(in + AT_PLACES), .source_count = rfl__get32(in + AT_SOURCES),
        .postcode_count = rfl__get32(in + AT_POSTCODES), .practice_count = rfl__get32(in + AT_PRACTICES),
        .body_checksum = rfl__get64(in + AT_BODY_CHECKSUM),
    };
    memcpy(out->label, in + AT_LABEL, RFL_DIR_LABEL_BYTES);
    *rule = "the header of the directory is damaged";
    if (rfl__get64(in + AT_HEADER_CHECKSUM) != header_checksum(in) ||
        rfl__get32(in + AT_HEADER_BYTES) != RFL_DIR_HEADER_BYTES || out->edition == 0 ||
        out->label[RFL_DIR_LABEL_BYTES - 1] != '\0' || !rfl_date_valid(out->effective) ||
        out->place_count > RFL_DIR_PLACES_MAX || out->source_count > RFL_DIR_SOURCES_MAX ||
        out->postcode_count > RFL_DIR_POSTCODES_MAX || out->practice_count > RFL_DIR_PRACTICES_MAX)
        return RFL_E_CORRUPT;
    *rule = "the directory is cut short or has bytes too many";
    if (rfl__get64(in + AT_FILE_BYTES) != file_bytes || rfl__dir_layout_of(out).file_bytes != file_bytes)
        return RFL_E_CORRUPT;
    *rule = NULL;
    return RFL_E_OK;
}

uint64_t rfl__dir_checksum(const uint8_t *p, size_t len)
{
    assert(len % RFL_DIR_BLOCK_BYTES == 0);
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);        /* odd, so multiplying by it loses nothing */
    uint64_t lane[4] = { 1, 2, 3, 4 };
    for (size_t at = 0; at < len; at += RFL_DIR_BLOCK_BYTES)
        for (unsigned i = 0; i < 4; i++) {
            uint64_t v = (lane[i] ^ rfl__get64(p + at + 8 * i)) * prime;
            lane[i] = v ^ v >> 29;
        }
    uint64_t sum = len;
    for (unsigned i = 0; i < 4; i++) {
        sum = (sum ^ lane[i]) * prime;
        sum ^= sum >> 32;
    }
    return sum;
}
