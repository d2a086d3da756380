#include "canary.h"

#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "canaries.h"

static const struct { const char *kind, *value; } canaries[] = {
    { "name", CANARY_NAME }, { "street", CANARY_STREET }, { "phone", CANARY_PHONE }, { "email", CANARY_EMAIL },
    { "NHS number", CANARY_NHS_NUMBER }, { "National Insurance number", CANARY_NINO }, { "postcode", CANARY_POSTCODE },
    { "date of birth", CANARY_BIRTH }, { "words", CANARY_WORDS },
};
enum { CANARIES = sizeof canaries / sizeof canaries[0], NEEDLE_BYTES = 64, NEEDLES_MAX = CANARIES * 7, SAID_MAX = 20,
       TABLE_BITS = 16, ZEROS = 4096 };

struct needle { const char *kind, *shape; bool any_case; size_t len; uint32_t head; char text[NEEDLE_BYTES]; };

/* Made at the first search: needles, and which heads (their first four bytes, folded) begin one. */
static struct needle needles[NEEDLES_MAX];
static size_t needle_count;
static uint8_t begins[1 << TABLE_BITS];

/* The first four bytes with letters made small. What is no letter changes too, but for both sides alike. */
static uint32_t head_of(const void *bytes)
{
    uint32_t head;
    memcpy(&head, bytes, sizeof head);
    return head | 0x20202020u;
}

static uint32_t slot_of(uint32_t head)
{
    return head * 2654435761u >> (32 - TABLE_BITS);
}

static void add(const char *kind, const char *shape, bool any_case, const char *text, size_t len)
{
    struct needle *needle = &needles[needle_count++];
    assert(needle_count <= NEEDLES_MAX && len >= sizeof needle->head && len < NEEDLE_BYTES);
    *needle = (struct needle){ .kind = kind, .shape = shape, .any_case = any_case, .len = len };
    memcpy(needle->text, text, len);
    needle->head = head_of(needle->text);
    begins[slot_of(needle->head)] = 1;
}

/* The characters that are the same whatever stands before (`before` bytes, 0 to 2) and behind. */
static void add_base64(const char *kind, const char *value, size_t before)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[NEEDLE_BYTES] = { 0 };
    char text[2 * NEEDLE_BYTES];
    size_t len = before + strlen(value), out = 0;
    assert(len < NEEDLE_BYTES - 2);
    memcpy(bytes + before, value, strlen(value));
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[out++] = digits[three >> shift & 63];
    }
    size_t from = (8 * before + 5) / 6, to = 8 * len / 6;
    add(kind, "in base64", false, text + from, to - from);
}

static void add_hex(const char *kind, const char *value)
{
    char text[NEEDLE_BYTES];
    size_t out = 0;
    for (size_t i = 0; value[i] != '\0'; i++)
        out += (size_t)snprintf(text + out, sizeof text - out, "%02x", (unsigned)(uint8_t)value[i]);
    add(kind, "in hexadecimal", true, text, out);
}

static void make_needles(void)
{
    bool made = needle_count > 0;
    for (size_t i = 0; i < CANARIES && !made; i++) {
        const char *kind = canaries[i].kind, *value = canaries[i].value;
        char close[NEEDLE_BYTES];
        size_t len = 0;
        for (size_t k = 0; value[k] != '\0'; k++)
            if (value[k] != ' ' && value[k] != '-')
                close[len++] = value[k];
        close[len] = '\0';
        add(kind, "as it stands", true, value, strlen(value));
        add_hex(kind, value);
        for (size_t before = 0; before < 3; before++)
            add_base64(kind, value, before);
        if (len != strlen(value)) {
            add(kind, "without spaces", true, close, len);
            add_hex(kind, close);
        }
    }
}

static bool equal(const struct needle *needle, const uint8_t *at)
{
    if (!needle->any_case)
        return memcmp(needle->text, at, needle->len) == 0;
    for (size_t i = 0; i < needle->len; i++)
        if (tolower((unsigned char)needle->text[i]) != tolower(at[i]))
            return false;
    return true;
}

static size_t look_at(const char *place, const uint8_t *bytes, size_t len, size_t at)
{
    static int said;
    size_t found = 0;
    uint32_t head = head_of(bytes + at);
    for (size_t i = 0; i < needle_count; i++) {
        const struct needle *needle = &needles[i];
        if (needle->head != head || needle->len > len - at || !equal(needle, bytes + at))
            continue;
        found++;
        if (said++ < SAID_MAX)
            (void)fprintf(stderr, "canary: a %s, %s, in %s at byte %zu\n", needle->kind, needle->shape, place, at);
    }
    return found;
}

/* One pass whatever the number of needles. The sanitizers would make it ten times slower over every store of the suite,
 * and each read is bounded on the same line. */
__attribute__((no_sanitize_address, no_sanitize_undefined))
size_t canary_search_bytes(const char *place, const uint8_t *bytes, size_t len)
{
    static const uint8_t zeros[ZEROS];
    size_t found = 0, at = 0;
    make_needles();
    while (at + sizeof(uint32_t) <= len) {
        if (at % ZEROS == 0 && len - at >= ZEROS && memcmp(bytes + at, zeros, ZEROS) == 0) {
            at += ZEROS;                        /* what LMDB has set aside; no needle begins with zeros */
            continue;
        }
        uint32_t head;
        __builtin_memcpy(&head, bytes + at, sizeof head);
        if (begins[(head | 0x20202020u) * 2654435761u >> (32 - TABLE_BITS)] != 0)
            found += look_at(place, bytes, len, at);
        at++;
    }
    return found;
}

bool canary_all_in(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < CANARIES; i++)
        if (memmem(bytes, len, canaries[i].value, strlen(canaries[i].value)) == NULL)
            return false;
    return true;
}

/* ---- folders ---- */

static size_t found_in_tree;

static int search_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
    const char *name = path + where->base;
    found_in_tree += canary_search_bytes("the name of a file", (const uint8_t *)name, strlen(name));
    if (type == FTW_NS || type == FTW_DNR) {
        (void)fprintf(stderr, "canary: %s cannot be read\n", path);
        found_in_tree++;
    }
    if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = fd == -1 ? MAP_FAILED : mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        (void)fprintf(stderr, "canary: %s cannot be read\n", path);
        found_in_tree++;
    } else {
        found_in_tree += canary_search_bytes(path, bytes, (size_t)st->st_size);
        (void)munmap(bytes, (size_t)st->st_size);
    }
    if (fd != -1)
        (void)close(fd);
    return 0;
}

size_t canary_search(const char *path)
{
    found_in_tree = 0;
    if (nftw(path, search_file, 16, FTW_PHYS) != 0) {
        (void)fprintf(stderr, "canary: %s cannot be walked\n", path);
        found_in_tree++;
    }
    return found_in_tree;
}
