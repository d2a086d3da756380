/* options.h: everything that can be said to the daemon in referrald.conf: one table (options.c), one struct.
 *
 * The table drives reading, -t, -T, the example file config/referrald.conf and the test that compares them. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "rfl_conf.h"

#define OPTIONS_FILE_DEFAULT "/etc/referrald/referrald.conf"

struct options {
    char store_dir[RFL_CONF_STRING_BYTES], store_key[RFL_CONF_STRING_BYTES];
    int64_t store_map;                                          /* bytes */
    int32_t store_full_permille;
    bool store_any_fs;
    char policy_dir[RFL_CONF_STRING_BYTES], directory_dir[RFL_CONF_STRING_BYTES];
    char doors[RFL_CONF_STRING_BYTES], workers[RFL_CONF_STRING_BYTES], admin[RFL_CONF_STRING_BYTES];
    char server_key[RFL_CONF_STRING_BYTES], keys_file[RFL_CONF_STRING_BYTES];
    bool without_keys;
    int64_t session_idle, lease_min;                            /* ms */
    bool test_people;
    char log_format[RFL_CONF_STRING_BYTES], user[RFL_CONF_STRING_BYTES];
};

enum { OPTIONS_COUNT = 18 };

const struct rfl_conf_table *options_table(void);

/* Reads the file into fresh values: the table's checks, then what one value alone cannot show (endpoints, watermarks,
 * words, sizes in whole pages). RFL_E_INVALID and RFL_E_IO: the report says everything that is wrong. */
RFL_MUST_USE enum rfl_err options_read(const char *path, struct options *options,
                                       struct rfl_conf_origin origins[OPTIONS_COUNT], struct rfl_conf_report *report);

#endif
