/* keyring.h: the daemon's own key and the keys in force, as the configuration names them. */
#ifndef KEYRING_H
#define KEYRING_H

#include "log.h"
#include "options.h"
#include "rfl_conf_keys.h"

/* All NULL and empty without keys. */
struct keyring {
    struct rfl_identity server;
    struct rfl_keys *keys;
    uint8_t *warned;                    /* beside each entry of keys: how many warnings of its end were given */
};

enum { KEYRING_ENDING_DAYS = 30 };      /* the first warning */

/* Reads both files; nothing without keys. RFL_E_INVALID, RFL_E_IO: the report says why, and which command makes them;
 * RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err keyring_open(struct keyring *ring, const struct options *options,
                                       struct rfl_conf_report *report);
void keyring_close(struct keyring *ring);

/* keys.conf alone, as the options name it, beside what is in force. Errors as above. */
RFL_MUST_USE enum rfl_err keyring_read(const struct options *options, struct rfl_conf_report *report,
                                       struct rfl_keys **out);
/* Puts the new table in force and returns the old one, to be freed by the caller. Warnings that were given are not
 * repeated. NULL, and nothing changed: there is no memory. */
RFL_MUST_USE struct rfl_keys *keyring_replace(struct keyring *ring, struct rfl_keys *keys);

/* How many entries are good at this moment. */
uint32_t keyring_good(const struct keyring *ring, int64_t now_ms);
/* True for a key that is good and ends within KEYRING_ENDING_DAYS. */
bool keyring_is_ending(const struct rfl_key_entry *entry, int64_t now_ms);
/* Logs each key that ends within 30, 7 and 1 days, once each. */
void keyring_warn(struct keyring *ring, struct log *log, int64_t now_ms);

#endif
