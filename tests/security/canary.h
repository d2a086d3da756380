/* canary.h: a search for the canaries of tests/canaries.h in bytes: as they stand and with spaces and hyphens left out,
 * in either case; in base64, wherever in a longer text they begin; in hexadecimal.
 *
 * What is found is said on stderr as kind, shape, place and offset: never the value, or the next search would find it
 * there. */
#ifndef CANARY_H
#define CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `place` is how the bytes are called in what is said. Returns how many were found. */
size_t canary_search_bytes(const char *place, const uint8_t *bytes, size_t len);
/* Whether each of them is in these bytes as it stands: what the common forms of the tests send has all. */
bool canary_all_in(const uint8_t *bytes, size_t len);
/* Every file under path, names included; sockets and links are passed over. What cannot be read counts as one found:
 * nobody has shown that it is clean. */
size_t canary_search(const char *path);

#endif
