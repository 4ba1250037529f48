/* Text, numbers and tables of a page; see html.h. */
#include "report/html.h"

#include <string.h>

#include "report/report_text.h"
#include "trace/line.h"

void html_put_char(FILE *out, char byte)
{
    switch (byte) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    default:
        fputc(byte, out);
    }
}

void html_put_text(FILE *out, const char *text)
{
    char buffer[4 * LINE_NAME_BYTES];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    line_sentence(&line, text);
    for (size_t i = 0; i < line_bytes(&line); i++) {
        html_put_char(out, buffer[i]);
    }
}

void html_put_number(FILE *out, uint64_t value)
{
    char number[REPORT_NUMBER_BYTES];

    fprintf(out, "<td>%s</td>", report_number(value, number));
}

void html_put_share(FILE *out, const struct report_share *share, uint64_t whole)
{
    html_put_number(out, share->faults);
    html_put_number(out, share->minor);
    html_put_number(out, share->major);
    fprintf(
        out, "<td>%.1f%%</td></tr>\n",
        whole > 0 ? 100.0 * (double)share->faults / (double)whole : 0.0);
}

void html_begin_table(FILE *out, const char *id, const char *title, const char *columns)
{
    fprintf(
        out, "<section id=\"%s\">\n<h2>%s</h2>\n<div class=\"wide\"><table>\n<tr>", id, title);
    while (*columns != '\0') {
        size_t length = strcspn(columns, "|");
        fprintf(out, "<th>%.*s</th>", (int)length, columns);
        columns += length + (columns[length] == '|' ? 1 : 0);
    }
    fputs("</tr>\n", out);
}

void html_end_table(FILE *out)
{
    fputs("</table></div>\n</section>\n", out);
}

void html_end_list(FILE *out, size_t count, size_t rows)
{
    if (count > rows) {
        fprintf(
            out,
            "<tr><td class=\"faint\">and %zu more: vmm report --json has all of "
            "them</td></tr>\n",
            count - rows);
    }
    html_end_table(out);
}
