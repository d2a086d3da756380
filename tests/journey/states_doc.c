#include "states_doc.h"

#include "states.h"

enum { DOC_BYTES_MAX = 1 << 20 };

char *states_doc_read(const char *path)
{
    char *text = calloc(1, DOC_BYTES_MAX);
    FILE *f = fopen(path, "rb");
    size_t len = text != NULL && f != NULL ? fread(text, 1, DOC_BYTES_MAX - 1, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    if (len > 0 && len < DOC_BYTES_MAX - 1)
        return text;
    free(text);
    return NULL;
}

const char *states_doc_part(const char *text, size_t *len)
{
    const char *begin = strstr(text, STATES_BEGIN);
    const char *end = begin != NULL ? strstr(begin, STATES_END) : NULL;
    if (end == NULL)
        return NULL;
    begin += sizeof STATES_BEGIN - 1;
    *len = (size_t)(end - begin);
    return begin;
}

char *states_doc_printed(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    states_print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

bool states_doc_write(const char *path)
{
    size_t len;
    char *text = states_doc_read(path), *printed = states_doc_printed();
    const char *part = text != NULL ? states_doc_part(text, &len) : NULL;
    FILE *f = part != NULL ? fopen(path, "wb") : NULL;
    bool good = f != NULL && fwrite(text, 1, (size_t)(part - text), f) == (size_t)(part - text) &&
                fputs(printed, f) >= 0 && fputs(part + len, f) >= 0;
    if (f != NULL)
        good = fclose(f) == 0 && good;
    free(text);
    free(printed);
    return good;
}
