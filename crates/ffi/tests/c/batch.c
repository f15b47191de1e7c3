/* Many images in one call: each has its own outcome, in their order, and nothing but its own handle admits one. */
#include "check.h"
#include <pthread.h>

enum { MANY = 50 };

/* A fetcher that lets nobody pass before four threads are here: fewer would never end. Then it denies. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int here;
    veriseal_call *call;
} meeting;

static int32_t meet(void *context, const veriseal_request *request, veriseal_sink *sink) {
    meeting *it = (meeting *)context;
    (void)request;
    (void)sink;
    pthread_mutex_lock(&it->mutex);
    it->here++;
    pthread_cond_broadcast(&it->changed);
    while (it->here < 4) pthread_cond_wait(&it->changed, &it->mutex);
    pthread_mutex_unlock(&it->mutex);
    return VERISEAL_FETCH_RESULT_DENIED;
}

/* Cancels the call that it is part of at the first request. */
static int32_t cancel(void *context, const veriseal_request *request, veriseal_sink *sink) {
    meeting *it = (meeting *)context;
    (void)request;
    (void)sink;
    it->here++;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_cancel(it->call, NULL));
    return VERISEAL_FETCH_RESULT_CANCELLED;
}

static void order(const start *it) {
    static const char *const kinds[] = {NULL, "registry.testkit.example/acme/app:none", "no reference", "\xff"};
    const char *references[MANY];
    size_t lens[MANY];
    for (int at = 0; at < MANY; at++) {
        references[at] = at % 4 == 0 ? it->image : kinds[at % 4];
        lens[at] = strlen(references[at]);
    }
    /* One that is NULL, and one of nothing. */
    references[MANY - 2] = NULL;
    lens[MANY - 1] = 0;
    static const size_t threads[] = {1, 4, 0, SIZE_MAX};
    for (size_t which = 0; which < sizeof threads / sizeof *threads; which++) {
        veriseal_outcomes *outcomes = NULL;
        veriseal_error *error = NULL;
        EXPECT(VERISEAL_STATUS_DONE, veriseal_verify_many(it->verifier, it->layout, references, lens, MANY, NULL, threads[which], it->now, &outcomes, &error));
        CHECK(!error && veriseal_outcomes_count(outcomes) == MANY);
        for (int at = 0; at < MANY; at++) {
            const veriseal_accepted *accepted = veriseal_outcomes_accepted(outcomes, at);
            const veriseal_report *report = veriseal_outcomes_report(outcomes, at);
            const veriseal_error *why = veriseal_outcomes_error(outcomes, at);
            veriseal_status status = veriseal_outcomes_status(outcomes, at);
            if (at < MANY - 2 && at % 4 == 0) {
                CHECK(status == VERISEAL_STATUS_ACCEPTED && accepted && report && !why);
                CHECK(same(veriseal_accepted_pinned(accepted), it->pinned));
            } else if (at < MANY - 2 && at % 4 == 1) {
                CHECK(status == VERISEAL_STATUS_UNDECIDED && !accepted && report && !why);
                CHECK(same(veriseal_report_code_name(report), "IMAGE_NOT_FOUND"));
            } else if (at < MANY - 2 && at % 4 == 2) {
                CHECK(status == VERISEAL_STATUS_REFUSED && !accepted && !report);
                CHECK(same(veriseal_error_code_name(why), "REFERENCE_INVALID"));
            } else {
                CHECK(status == VERISEAL_STATUS_MISUSE && !accepted && !report);
                CHECK(same(veriseal_error_code_name(why), "ARGUMENT_INVALID"));
            }
        }
        /* Beyond the last there is nothing. */
        CHECK(!veriseal_outcomes_accepted(outcomes, MANY) && !veriseal_outcomes_report(outcomes, SIZE_MAX));
        CHECK(veriseal_outcomes_status(outcomes, MANY) == VERISEAL_STATUS_MISUSE && !veriseal_outcomes_error(outcomes, MANY));
        /* What the outcomes own, nobody else frees. */
        veriseal_accepted_free((veriseal_accepted *)(uintptr_t)veriseal_outcomes_accepted(outcomes, 0));
        veriseal_report_free((veriseal_report *)(uintptr_t)veriseal_outcomes_report(outcomes, 0));
        CHECK(same(veriseal_accepted_pinned(veriseal_outcomes_accepted(outcomes, 0)), it->pinned));
        veriseal_outcomes_free(outcomes);
    }
}

/* The same reports as one after another. */
static void reports(const start *it) {
    const char *references[] = {it->image, "registry.testkit.example/acme/app:none"};
    size_t lens[] = {strlen(references[0]), strlen(references[1])};
    veriseal_outcomes *outcomes = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verify_many(it->verifier, it->layout, references, lens, 2, NULL, 2, it->now, &outcomes, NULL));
    for (size_t at = 0; at < 2; at++) {
        veriseal_accepted *accepted = NULL;
        veriseal_report *report = NULL;
        CHECK(veriseal_verify(it->verifier, it->layout, references[at], lens[at], NULL, it->now, &accepted, &report, NULL) == veriseal_outcomes_status(outcomes, at));
        veriseal_str alone = veriseal_report_json(report), together = veriseal_report_json(veriseal_outcomes_report(outcomes, at));
        CHECK(alone.len == together.len && memcmp(alone.data, together.data, alone.len) == 0);
        veriseal_accepted_free(accepted);
        veriseal_report_free(report);
    }
    veriseal_outcomes_free(outcomes);
}

static void threads(const start *it) {
    const char *references[8];
    size_t lens[8];
    for (int at = 0; at < 8; at++) references[at] = it->image, lens[at] = strlen(it->image);
    meeting four = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, NULL};
    veriseal_fetcher fetcher = {&four, meet, NULL};
    veriseal_source *source = NULL;
    veriseal_outcomes *outcomes = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_fetcher(fetcher, &source, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verify_many(it->verifier, source, references, lens, 8, NULL, 4, it->now, &outcomes, NULL));
    for (size_t at = 0; at < 8; at++) {
        CHECK(!veriseal_outcomes_accepted(outcomes, at) && veriseal_outcomes_status(outcomes, at) == VERISEAL_STATUS_UNDECIDED);
    }
    veriseal_outcomes_free(outcomes);
    veriseal_source_free(source);

    /* A cancellation ends all of them: only the first was asked about. */
    four.here = 0;
    fetcher.fetch = cancel;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&four.call, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_fetcher(fetcher, &source, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verify_many(it->verifier, source, references, lens, 8, four.call, 1, it->now, &outcomes, NULL));
    CHECK(four.here == 1);
    for (size_t at = 0; at < 8; at++) CHECK(same(veriseal_report_code_name(veriseal_outcomes_report(outcomes, at)), "CANCELLED"));
    veriseal_outcomes_free(outcomes);
    veriseal_call_free(four.call);
    veriseal_source_free(source);
}

/* K-AP-02 and K-AP-07. */
static void misuse(const start *it) {
    const char *references[] = {it->image};
    size_t lens[] = {strlen(it->image)};
    veriseal_outcomes *outcomes = (veriseal_outcomes *)(void *)&lens;
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(NULL, it->layout, references, lens, 1, NULL, 0, it->now, &outcomes, NULL));
    CHECK(!outcomes);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(it->verifier, NULL, references, lens, 1, NULL, 0, it->now, &outcomes, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(it->verifier, it->layout, NULL, lens, 1, NULL, 0, it->now, &outcomes, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(it->verifier, it->layout, references, NULL, 1, NULL, 0, it->now, &outcomes, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(it->verifier, it->layout, references, lens, SIZE_MAX, NULL, 0, it->now, &outcomes, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verify_many(it->verifier, it->layout, references, lens, 1, NULL, 0, it->now, NULL, NULL));
    CHECK(!outcomes && veriseal_outcomes_count(NULL) == 0 && !veriseal_outcomes_accepted(NULL, 0));
    CHECK(veriseal_outcomes_status(NULL, 0) == VERISEAL_STATUS_MISUSE);
    uint64_t zeroed[8] = {0};
    CHECK(!veriseal_outcomes_accepted((const veriseal_outcomes *)(void *)zeroed, 0));
    veriseal_outcomes_free(NULL);
    /* None is no image, and no acceptance. */
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verify_many(it->verifier, it->layout, NULL, NULL, 0, NULL, 0, it->now, &outcomes, NULL));
    CHECK(outcomes && veriseal_outcomes_count(outcomes) == 0 && !veriseal_outcomes_accepted(outcomes, 0));
    veriseal_outcomes_free(outcomes);
}

int main(int argc, char **argv) {
    start it = begin(argc, argv);
    order(&it);
    reports(&it);
    threads(&it);
    misuse(&it);
    end(it);
    puts("a batch has an outcome for each image");
    return 0;
}
