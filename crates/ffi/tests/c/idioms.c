/*
 * Every wrong way to ask whether an image was accepted, over every way in which it was not: none of them yields a pinned
 * reference (K-AP-02). And the right way does.
 */
#include "check.h"

/* What a careless engine would deploy. */
static size_t deployed(const veriseal_accepted *accepted) { return veriseal_accepted_pinned(accepted).len; }

/* Takes one outcome through the wrong idioms. */
static void wrong_idioms(veriseal_status rc, veriseal_accepted *accepted) {
    size_t by_truth = 0, by_not = 0, by_positive = 0, by_not_rejected = 0;
    if (rc) by_truth = deployed(accepted);
    if (!rc) by_not = deployed(accepted);
    if (rc > 0) by_positive = deployed(accepted);
    if (rc != VERISEAL_STATUS_REJECTED) by_not_rejected = deployed(accepted);
    CHECK(by_truth == 0 && by_not == 0 && by_positive == 0 && by_not_rejected == 0);
    /* Even asking for ACCEPTED by mistake of the enumeration: a verdict's numbers are not a status's. */
    if ((int)rc == (int)VERISEAL_VERDICT_ACCEPTED) CHECK(deployed(accepted) == 0);
}

int main(int argc, char **argv) {
    start it = begin(argc, argv);
    veriseal_error *error = NULL;
    veriseal_report *report = NULL;
    /* What stood there before must not survive the call. */
    veriseal_accepted *accepted = (veriseal_accepted *)(void *)&it;
    veriseal_status rc;

    /* Rejected: unsigned. */
    rc = veriseal_verify(it.verifier, it.unsigned_layout, it.image, strlen(it.image), NULL, it.now, &accepted, &report, &error);
    CHECK(rc == VERISEAL_STATUS_REJECTED && !accepted && report && !error);
    wrong_idioms(rc, accepted);
    veriseal_report_free(report);

    /* Undecided: cancelled. */
    veriseal_call *call = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, &error));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_cancel(call, &error));
    accepted = (veriseal_accepted *)(void *)&it;
    rc = veriseal_verify(it.verifier, it.layout, it.image, strlen(it.image), call, it.now, &accepted, &report, &error);
    CHECK(rc == VERISEAL_STATUS_UNDECIDED && !accepted && report && !error);
    CHECK(same(veriseal_report_code_name(report), "CANCELLED"));
    wrong_idioms(rc, accepted);
    veriseal_report_free(report);
    veriseal_call_free(call);

    /* Refused: no reference. */
    accepted = (veriseal_accepted *)(void *)&it;
    rc = veriseal_verify(it.verifier, it.layout, "no reference", 12, NULL, it.now, &accepted, &report, &error);
    CHECK(rc == VERISEAL_STATUS_REFUSED && !accepted && !report && error);
    CHECK(same(veriseal_error_code_name(error), "REFERENCE_INVALID"));
    wrong_idioms(rc, accepted);
    veriseal_error_free(error);

    /* Misuse: no verifier. The unset handle of an engine that forgot to look at its set-up. */
    veriseal_verifier *unset = NULL;
    accepted = (veriseal_accepted *)(void *)&it;
    rc = veriseal_verify(unset, it.layout, it.image, strlen(it.image), NULL, it.now, &accepted, &report, &error);
    CHECK(rc == VERISEAL_STATUS_MISUSE && !accepted && !report && error);
    wrong_idioms(rc, accepted);
    veriseal_error_free(error);

    /* Misuse: no place for the acceptance. Nothing is verified, and the status is no success. */
    rc = veriseal_verify(it.verifier, it.layout, it.image, strlen(it.image), NULL, it.now, NULL, &report, &error);
    CHECK(rc == VERISEAL_STATUS_MISUSE && !report && error);
    veriseal_error_free(error);

    /* The handle is unset, zeroed memory, or one of another type. */
    CHECK(deployed(NULL) == 0);
    void *zeroed = calloc(1, 4096);
    CHECK(deployed((veriseal_accepted *)zeroed) == 0);
    veriseal_accepted_free((veriseal_accepted *)zeroed);
    free(zeroed);
    CHECK(deployed((veriseal_accepted *)(void *)it.verifier) == 0);
    CHECK(veriseal_accepted_basis(NULL) == VERISEAL_BASIS_EXCEPTION);

    /* The right way. */
    rc = veriseal_verify(it.verifier, it.layout, it.image, strlen(it.image), NULL, it.now, &accepted, &report, &error);
    if (accepted) {
        CHECK(rc == VERISEAL_STATUS_ACCEPTED);
        CHECK(same(veriseal_accepted_pinned(accepted), it.pinned));
        CHECK(contains(veriseal_accepted_pinned(accepted), "@sha256:"));
    }
    CHECK(accepted);
    CHECK(veriseal_accepted_basis(accepted) == VERISEAL_BASIS_REQUIREMENT);
    CHECK(veriseal_accepted_signature_count(accepted) == 1);
    veriseal_accepted_free(accepted);
    veriseal_report_free(report);
    end(it);
    puts("none of the wrong idioms yields a pinned reference");
    return 0;
}
