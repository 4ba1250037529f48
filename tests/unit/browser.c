/* Chromium, headless; see browser.h. */
#include "browser.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEAR 6

/* Appended to a copy of the page: afterwards its text is where its sections are. */
static const char measure[] =
    "<script>document.body.textContent = [...document.querySelectorAll('section')].map(s => {"
    "const r = s.getBoundingClientRect(); return ['@', s.id, ...[r.x, r.y, r.width, "
    "r.height].map(Math.round)].join(' ')}).join('\\n')</script>\n";

static bool run(const char *command)
{
    int status = system(command); // NOLINT(cert-env33-c): the paths are the test's own

    if (status != 0) {
        fprintf(stderr, "status %d: %s\n", status, command);
    }
    return status == 0;
}

bool browser_is_there(void)
{
    // NOLINTNEXTLINE(cert-env33-c): a fixed command
    return system("command -v chromium >/dev/null 2>&1") == 0;
}

/* Its own folder for settings, so that no other browser of this user is met. */
static bool
start(const char *folder, const char *page, bool dark, const char *action, const char *output)
{
    char command[2048];

    snprintf(
        command, sizeof(command),
        "timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars "
        "--user-data-dir='%s/profile' --blink-settings=preferredColorScheme=%d "
        "--window-size=%d,%d %s 'file://%s' >'%s' 2>'%s/log'",
        folder, dark ? 0 : 1, BROWSER_WIDTH, BROWSER_HEIGHT, action, page, output, folder);
    return run(command);
}

static bool find_sections(struct browser_view *view, const char *path)
{
    char text[1 << 14] = "";
    FILE *in = fopen(path, "re");
    size_t bytes = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;

    if (in != NULL) {
        fclose(in);
    }
    text[bytes] = '\0';
    for (const char *at = text; (at = strstr(at, "@ ")) != NULL; at++) {
        struct browser_section section;
        if (view->sections < BROWSER_SECTIONS &&
            sscanf(
                at, "@ %31s %d %d %d %d", section.id, &section.x, &section.y, &section.width,
                &section.height) == 5) {
            view->section[view->sections++] = section;
        }
    }
    return view->sections > 0;
}

static bool read_pixels(struct browser_view *view, const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION};

    if (!png_image_begin_read_from_file(&image, path)) {
        fprintf(stderr, "%s: %s\n", path, image.message);
        return false;
    }
    image.format = PNG_FORMAT_RGB;
    if (image.width != BROWSER_WIDTH || image.height != BROWSER_HEIGHT) {
        fprintf(stderr, "%s: %u x %u\n", path, image.width, image.height);
        png_image_free(&image);
        return false;
    }
    view->pixels = malloc(PNG_IMAGE_SIZE(image));
    return view->pixels != NULL && png_image_finish_read(&image, NULL, view->pixels, 0, NULL);
}

static bool copy_with_measure(const char *page, const char *copy)
{
    char command[1024];
    FILE *out;

    snprintf(command, sizeof(command), "cp '%s' '%s'", page, copy);
    if (!run(command) || (out = fopen(copy, "ae")) == NULL) {
        return false;
    }
    fputs(measure, out);
    return fclose(out) == 0;
}

bool browser_show(struct browser_view *view, const char *page, const char *folder, bool dark)
{
    char copy[512], places[512], picture[512], action[600];

    *view = (struct browser_view){0};
    snprintf(copy, sizeof(copy), "%s/measured.html", folder);
    snprintf(places, sizeof(places), "%s/places", folder);
    snprintf(picture, sizeof(picture), "%s/picture.png", folder);
    snprintf(action, sizeof(action), "--screenshot='%s'", picture);
    bool ok = copy_with_measure(page, copy) &&
              start(folder, copy, dark, "--dump-dom", places) && find_sections(view, places) &&
              start(folder, page, dark, action, "/dev/null") && read_pixels(view, picture);
    if (!ok) {
        browser_release(view);
    }
    return ok;
}

void browser_release(struct browser_view *view)
{
    free(view->pixels);
    view->pixels = NULL;
}

const struct browser_section *browser_find(const struct browser_view *view, const char *id)
{
    for (unsigned i = 0; i < view->sections; i++) {
        if (strcmp(view->section[i].id, id) == 0) {
            return &view->section[i];
        }
    }
    return NULL;
}

static int clamp(double value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)value;
}

uint64_t browser_count(
    const struct browser_view *view,
    const struct browser_section *section,
    struct browser_part part,
    uint32_t colour)
{
    int left = clamp(section->x + part.left * section->width, BROWSER_WIDTH);
    int right = clamp(section->x + part.right * section->width, BROWSER_WIDTH);
    int top = clamp(section->y + part.top * section->height, BROWSER_HEIGHT);
    int bottom = clamp(section->y + part.bottom * section->height, BROWSER_HEIGHT);
    uint64_t count = 0;

    for (int y = top; y < bottom; y++) {
        const uint8_t *pixel = view->pixels + ((size_t)y * BROWSER_WIDTH + (size_t)left) * 3;
        for (int x = left; x < right; x++, pixel += 3) {
            count += abs(pixel[0] - (int)(colour >> 16)) <= NEAR &&
                     abs(pixel[1] - (int)(colour >> 8 & 0xff)) <= NEAR &&
                     abs(pixel[2] - (int)(colour & 0xff)) <= NEAR;
        }
    }
    return count;
}
