/*
 * An event loop that verifies: the session hands out requests, poll(2) waits for all their sockets at once, and answers
 * are supplied in whatever order they arrive. Nothing blocks inside the library and it starts no thread.
 *
 *   event_loop POLICY IMAGE [SECONDS-SINCE-1970]
 */
#include "http.h"
#include <poll.h>

enum { MAX_OPEN = 16, MAX_ANSWER = 32 * 1024 * 1024 };

/* A request under way. */
struct flight {
    veriseal_request *request;
    int fd;
    char *bytes;
    size_t len, room;
};

static void die(veriseal_error *error) {
    veriseal_str message = veriseal_error_message(error);
    fprintf(stderr, "event_loop: %.*s\n", (int)message.len, message.data);
    exit(2);
}

/* Answers a request and forgets it. */
static void land(veriseal_session *session, struct flight *flight, int is_whole) {
    veriseal_error *error = NULL;
    veriseal_sink *sink = NULL;
    if (veriseal_sink_new(flight->request, &sink, &error) < 0) die(error);
    int32_t result = is_whole ? http_answer(flight->bytes, flight->len, sink) : (int32_t)VERISEAL_FETCH_RESULT_UNAVAILABLE;
    if (veriseal_session_supply(session, flight->request, result, sink, &error) < 0) die(error);
    veriseal_sink_free(sink);
    veriseal_request_free(flight->request);
    if (flight->fd >= 0) close(flight->fd);
    free(flight->bytes);
    memset(flight, 0, sizeof *flight);
}

/* Reads what is there. Whether the flight landed. */
static int advance(veriseal_session *session, struct flight *flight) {
    if (flight->len == flight->room) {
        char *more = flight->room < MAX_ANSWER ? (char *)realloc(flight->bytes, flight->room = flight->room ? flight->room * 2 : 65536) : NULL;
        if (!more) {
            land(session, flight, 0);
            return 1;
        }
        flight->bytes = more;
    }
    ssize_t got = read(flight->fd, flight->bytes + flight->len, flight->room - flight->len);
    if (got > 0) {
        flight->len += (size_t)got;
        return 0;
    }
    land(session, flight, got == 0);
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: event_loop POLICY IMAGE [SECONDS]\n");
        return 2;
    }
    int64_t now = argc > 3 ? strtoll(argv[3], NULL, 10) : veriseal_now();
    veriseal_error *error = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    veriseal_session *session = NULL;
    if (veriseal_policy_new_file(argv[1], strlen(argv[1]), &policy, &error) < 0) die(error);
    if (veriseal_verifier_new(NULL, policy, &verifier, &error) < 0) die(error);
    if (veriseal_session_new(verifier, argv[2], strlen(argv[2]), &session, &error) < 0) die(error);

    struct flight flights[MAX_OPEN];
    memset(flights, 0, sizeof flights);
    size_t open = 0, most = 0;
    while (!veriseal_session_is_done(session)) {
        /* Start what can be started now. */
        while (open < MAX_OPEN) {
            veriseal_request *request = NULL;
            if (veriseal_session_next(session, &request, &error) < 0) die(error);
            if (!request) break;
            struct flight *flight = &flights[open];
            flight->request = request;
            int is_page = veriseal_request_page(request).len != 0;
            flight->fd = is_page ? -1 : http_start(veriseal_request_registry(request), veriseal_request_path(request));
            if (flight->fd < 0) land(session, flight, 0);
            else open++;
        }
        if (open > most) most = open;
        if (open == 0) continue;
        /* Wait for any of them; a real loop has its other work here, too. */
        struct pollfd waiting[MAX_OPEN];
        memset(waiting, 0, sizeof waiting);
        for (size_t at = 0; at < open; at++) {
            waiting[at].fd = flights[at].fd;
            waiting[at].events = POLLIN;
        }
        if (poll(waiting, (nfds_t)open, 10000) <= 0) {
            fprintf(stderr, "event_loop: nothing came within ten seconds\n");
            return 3;
        }
        /* From the last, so that the one that takes a landed one's place was looked at already. */
        for (size_t at = open; at-- > 0;) {
            if (waiting[at].revents && advance(session, &flights[at])) flights[at] = flights[--open];
        }
    }

    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    veriseal_status status = veriseal_session_conclude(verifier, session, now, &accepted, &report, &error);
    int exit_code = 2;
    if (accepted) {
        veriseal_str pinned = veriseal_accepted_pinned(accepted);
        printf("admit %.*s with %zu requests at once\n", (int)pinned.len, pinned.data, most);
        exit_code = 0;
    } else if (report) {
        veriseal_str code = veriseal_report_code_name(report);
        printf("deny %.*s\n", (int)code.len, code.data);
        exit_code = status == VERISEAL_STATUS_REJECTED ? 1 : 3;
    }
    veriseal_report_free(report);
    veriseal_accepted_free(accepted);
    veriseal_error_free(error);
    veriseal_session_free(session);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    return exit_code;
}
