/* states_doc.h: the part of a document that states.c prints, between two markers. */
#ifndef STATES_DOC_H
#define STATES_DOC_H

#include <stdbool.h>
#include <stddef.h>

#define STATES_BEGIN "<!-- states: printed by tests/journey/draw_states, do not edit -->\n"
#define STATES_END "<!-- states: end -->\n"

/* The whole file, terminated; NULL when it cannot be read or is empty. To be freed. */
char *states_doc_read(const char *path);
/* Where the printed part begins, and its length; NULL when the markers are not there, in order. */
const char *states_doc_part(const char *text, size_t *len);
/* What states_print prints, terminated. To be freed. */
char *states_doc_printed(void);
/* Puts it between the markers of a file. False when that is not possible; the file is then as it was. */
bool states_doc_write(const char *path);

#endif
