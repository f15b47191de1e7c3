/*
 * As much HTTP as the examples need: one plain GET a connection, without TLS, redirects or credentials. In an engine of your
 * own, its HTTP client stands here.
 */
#ifndef EXAMPLE_HTTP_H
#define EXAMPLE_HTTP_H

/* Sockets are no part of C11. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <veriseal.h>

/* Connects to host[:port] and sends the request. The socket, or -1. */
static int http_start(veriseal_str host, veriseal_str path) {
    char name[256], text[4096];
    if (host.len >= sizeof name) return -1;
    memcpy(name, host.data, host.len);
    name[host.len] = 0;
    char *port = strrchr(name, ':');
    if (port) *port++ = 0;

    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(name, port ? port : "80", &hints, &found) != 0) return -1;
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0) return -1;

    int length = snprintf(text, sizeof text,
                          "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n"
                          "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
                          "application/vnd.docker.distribution.manifest.v2+json, */*\r\n\r\n",
                          (int)path.len, path.data, (int)host.len, host.data);
    if (length < 0 || (size_t)length >= sizeof text || write(fd, text, (size_t)length) != length) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The value of a header in head[0..len), or a length of 0. */
static veriseal_str http_header(const char *head, size_t len, const char *name) {
    veriseal_str none = {"", 0};
    size_t name_len = strlen(name);
    for (const char *line = head, *end = head + len; line < end;) {
        const char *stop = (const char *)memchr(line, '\r', (size_t)(end - line));
        if (!stop) stop = end;
        if ((size_t)(stop - line) > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1;
            while (value < stop && *value == ' ') value++;
            veriseal_str found = {value, (size_t)(stop - value)};
            return found;
        }
        line = stop + 2;
    }
    return none;
}

/*
 * What a whole answer says: its content goes into the sink. Every status that is neither 200 nor 404 says that it is
 * unknown whether there is something: taking 403 for "none" is how signatures get lost.
 */
static int32_t http_answer(const char *bytes, size_t len, veriseal_sink *sink) {
    int status = 0;
    const char *body = NULL;
    for (size_t at = 0; at + 4 <= len && !body; at++) {
        if (memcmp(bytes + at, "\r\n\r\n", 4) == 0) body = bytes + at + 4;
    }
    if (!body || sscanf(bytes, "HTTP/1.%*1d %3d", &status) != 1) return VERISEAL_FETCH_RESULT_UNAVAILABLE;
    switch (status) {
        case 200: break;
        case 404: return VERISEAL_FETCH_RESULT_NOT_FOUND;
        case 401: case 403: return VERISEAL_FETCH_RESULT_DENIED;
        case 429: return VERISEAL_FETCH_RESULT_THROTTLED;
        default: return VERISEAL_FETCH_RESULT_UNAVAILABLE;
    }
    veriseal_str type = http_header(bytes, (size_t)(body - bytes), "content-type");
    if (veriseal_sink_set_media_type(sink, type.data, type.len) != VERISEAL_STATUS_DONE ||
        veriseal_sink_write(sink, (const uint8_t *)body, len - (size_t)(body - bytes)) != VERISEAL_STATUS_DONE) {
        return VERISEAL_FETCH_RESULT_TOO_LARGE;
    }
    return VERISEAL_FETCH_RESULT_FOUND;
}

#endif
