/* rfl_text.h: is this text fit to be shown, logged as a field name, compared and kept?
 *
 * Strict UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Pure; allocates nothing. */
#ifndef RFL_TEXT_H
#define RFL_TEXT_H

#include "rfl_base.h"

/* In order of gravity: the gravest problem of a text is the one reported. */
enum rfl_text_state { RFL_TEXT_OK, RFL_TEXT_CONTROL, RFL_TEXT_NUL, RFL_TEXT_NOT_UTF8 };

/* RFL_TEXT_CONTROL: a control character (U+0001 to U+001F, U+007F to U+009F); with `lines` the tab, line feed and
 * carriage return are allowed. */
enum rfl_text_state rfl_text_check(struct rfl_view text, bool lines);

#endif
