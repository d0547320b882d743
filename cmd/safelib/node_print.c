/* SPDX-License-Identifier: Apache-2.0 */
/* A node as a tree: the host, what runs on it, a verdict on each, and why. */
#include <string.h>

#include "node.h"

enum { WIDTH = 100, INDENT = 5 };

enum tone node_tone(const char *verdict)
{
    if (verdict != NULL && strcmp(verdict, "trusted") == 0) {
        return TONE_GOOD;
    }
    return verdict != NULL && strcmp(verdict, "untrusted") == 0 ? TONE_BAD : TONE_WARN;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* Text wrapped behind a mark, under a branch of the tree. */
static void text_print(const char *branch, const char *mark, const char *text)
{
    size_t column = 0;

    (void)printf("%s %s ", branch, mark);
    while (*text != '\0') {
        const size_t word = strcspn(text, " ");

        if (column > 0 && column + 1 + word > WIDTH - 2 * INDENT) {
            (void)printf("\n%s   ", branch);
            column = 0;
        } else if (column > 0) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)word, text);
        column += word;
        text += word + (text[word] == ' ');
    }
    (void)putchar('\n');
}

static void reasons_print(const json_t *subject, const char *branch, bool is_whole)
{
    const json_t *reasons = json_object_get(subject, "reasons");
    const char *verdict = text_of(subject, "verdict");
    size_t i;
    json_t *reason;

    json_array_foreach(reasons, i, reason)
    {
        const char *remedy = text_of(reason, "remedy");
        const bool is_note = strcmp(text_of(reason, "verdict"), "trusted") == 0;

        if (!is_whole && (strcmp(verdict, "trusted") == 0 || is_note)) {
            continue;
        }
        text_print(branch, "-", text_of(reason, "text"));
        if (remedy[0] != '\0') {
            text_print(branch, " ", remedy);
        }
    }
}

static void subject_print(const json_t *subject, bool is_last, bool is_whole)
{
    const char *verdict = text_of(subject, "verdict");
    const char *judged = text_of(subject, "judged_verdict");

    (void)printf("%s%-9s  %s%s%s", is_last ? "└─ " : "├─ ", text_of(subject, "kind"),
                 tone(stdout, node_tone(verdict)), verdict, tone(stdout, TONE_PLAIN));
    (void)printf("%*s  %s", (int)(9 - (strlen(verdict) < 9 ? strlen(verdict) : 9)), "",
                 text_of(subject, "id"));
    if (strcmp(verdict, judged) != 0 && judged[0] != '\0') {
        (void)printf("  (was %s)", judged);
    }
    (void)putchar('\n');
    reasons_print(subject, is_last ? "   " : "│  ", is_whole);
}

void node_print(const json_t *node, bool is_whole)
{
    const json_t *verdicts = json_object_get(node, "verdicts"), *tpm = json_object_get(node, "tpm");
    const char *seen = text_of(node, "last_seen");
    size_t i;
    json_t *subject;

    (void)printf("%s  class %s, round %lld, heard of %s\n", text_of(node, "name"),
                 text_of(node, "class"),
                 (long long)json_integer_value(json_object_get(node, "round")),
                 seen[0] != '\0' ? seen : "never");
    if (json_is_object(tpm)) {
        (void)printf("│  TPM of %s, model %s, version %s, as its EK certificate says\n",
                     text_of(tpm, "manufacturer"), text_of(tpm, "model"), text_of(tpm, "version"));
    }
    if (json_array_size(verdicts) == 0) {
        (void)printf("└─ nothing has been judged: unknown\n");
    }
    json_array_foreach(verdicts, i, subject)
    {
        subject_print(subject, i + 1 == json_array_size(verdicts), is_whole);
    }
}
