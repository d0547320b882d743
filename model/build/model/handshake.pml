/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake between a tenant's gateway and an NF image, with the host as the attacker: attest,
 * bind, provision, re-attest, rekey, migrate. README.md says what is assumed and what is claimed;
 * docs/adr/0010-handshake-model.md maps every step to code.
 *
 * TLS 1.3 is taken as it is proven elsewhere: between two honest ends the host can delay requests
 * for ever and cut the connection, and nothing else; where the host is itself an end, it knows all.
 * Everything else is the host's choice: which images run, for whom, from which sealed state, where
 * a connection leads, which evidence is handed over, when anything happens.
 *
 * RULE is the rule that is left out (0: none), SCENARIO what else has gone wrong; both from the
 * environment, so that one compiled verifier serves all runs. */

c_decl {
/* Steps that a run must have come to, counted outside of the state. */
static unsigned long came_to[16];
static void reached_print(void) { for (int n = 1; n < 16; n++) { if (came_to[n]) { printf("reached %d: %lu\n", n, came_to[n]); } } }
static int number_of(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }
}
#define FORK_REFUSED 1
#define EVIDENCE_REFUSED 2
#define OLD_FILE_REFUSED 3
#define TRAFFIC 4
#define REKEYED 5
#define ATTESTED_AGAIN 6
#define OLD_POLICY_REFUSED 7
#define OLD_KEY_REFUSED 8
#define LEASE_OVER 9
#define AUDITED 10
#define REACHED(n) c_code { came_to[n]++; }

/* ---- rules: each can be left out ---- */
#define NO_EXPORTER       1  /* evidence is not bound to the connection */
#define NO_IMAGE_KEY      2  /* nor to the image's key */
#define NO_TENANT         3  /* nor to those the image was started for */
#define NO_NONCE          4  /* nor to the gateway's nonce */
#define NO_VERSION        5  /* nor to the policy the image has */
#define NO_MEASUREMENT    6  /* any measurement is taken */
#define NO_ROOT           7  /* any signer of evidence is taken */
#define NO_ATTESTATION    8  /* keys are given before evidence was judged */
#define NO_CLIENT_CHECK   9  /* the image serves whoever connects */
#define NO_RESTART        10 /* the image's tenant can be changed while it runs */
#define NO_DURABLE        11 /* the gateway forgets which version it gave */
#define NO_MONOTONIC      12 /* the image takes an older policy */
#define NO_EPOCH          13 /* the gateway takes any sealed state for the latest */
#define NO_CHANNEL_IN_KEY 14 /* SA keys follow from the seed alone */
#define NO_REUSE_CHECK    15 /* the image takes a key twice */
#define NO_LEASE          16 /* the image keeps keys that nobody renews */
#define NO_DELETION       17 /* the gateway keeps keys after evidence was refused */
#define WITHOUT(r) (rule == r)

/* ---- scenarios: the strongest attackers that the whole protocol withstands ---- */
#define BASE 0
#define LEAK 1 /* the TLS keys of image 1 and of the tenant are stolen */
#define RNG  2 /* the gateway's random numbers repeat (a virtual machine put back) */

/* ---- properties ---- */
#define SECRECY      1 /* the attacker knows no SA key that the gateway uses */
#define SOLE         2 /* who has the tenant's SAs takes SAs from nobody else */
#define AGREEMENT    3 /* measurement, key, tenant and policy version are what the gateway thinks */
#define FRESH        4 /* evidence was made after the nonce it is accepted for */
#define NO_ROLLBACK  5 /* policies only go forward, at both ends */
#define NO_FORK      6 /* sealed state that was superseded is not taken up again */
#define KEY_ONCE     7 /* no SA key is ever in use twice */
#define FAIL_CLOSED  8 /* without good evidence or a gateway there are no keys */
#define HOLDS(p, condition) if :: condition -> skip :: else -> broken = p; assert(broken != p) fi

/* ---- who and what ---- */
#define IMAGES   2
#define SESSIONS 3
#define QUOTES   3 /* and nonces */
#define BLOBS    2
#define ADV      0 /* as an end of a connection */
#define KEY_ADV  3 /* a TLS key of the attacker; images have 1 and 2 */
#define FOR_T    1 /* whom an image was started for: the tenant, */
#define FOR_A    2 /* the attacker, */
#define FOR_BOTH 3 /* both: a start parameter is the host's to choose */

/* requests */
#define NOTHING 0
#define ATTEST  1
#define CHAIN   2 /* policy version and epoch */
#define SA      3
#define ANSWER  4 /* to ATTEST: what the image claims is in `version`, `id`, `epoch` */
#define DONE    5
#define REFUSED 6

/* A connection; its number, never used again, is what the exporter is. */
typedef session {
    bit has_client, has_image;
    bit is_adv;    /* the client is the attacker */
    byte peer;     /* the other end: 1, 2 or ADV */
    byte serves;   /* whom that image was started for */
    byte key;      /* that the other end showed */
    byte what, a, b; /* request or reply under way */
    byte version, id, epoch;
}
typedef instance {
    bit is_up;
    byte serves;
    byte id, epoch, version; /* sealed after every change */
    bit has_keys;            /* SAs of the gateway that are in place */
    bit has_foreign;         /* SAs of somebody else are in place */
    int known;               /* keys taken so far, by number */
}
/* A quote signed by the vendor's root about an image of the right measurement. */
typedef quote {
    byte exporter, key, serves, version, nonce;
}
typedef blob {
    byte id, epoch, version;
}

byte rule, scenario, broken;
/* how far the search goes */
byte starts_max, sessions_max, nonces_max;
session s[SESSIONS + 1];
instance im[IMAGES + 1];
quote q[QUOTES];
blob blobs[BLOBS];
byte quotes, sessions, nonces, sealed, starts, ids;
int installed; /* SA keys ever in place anywhere, by number; in RNG, elsewhere seeds are unique */

/* the gateway */
mtype = { idle, asked, judged, provisioned, running, asked_again };
mtype gw = idle;
byte cur;          /* connection */
byte nonce;
bool using;        /* it has an SA key in use */
byte policy = 1;   /* version in the file it was given */
byte high;         /* durable: highest version given */
byte high_ever;    /* the truth, for NO_ROLLBACK */
byte holder;       /* durable: identity that was provisioned; 0: none */
byte confirmed, begun; /* durable: epochs */
byte restarts, rekeys;
bool is_lost;      /* the last evidence was refused */
/* the truth, for NO_FORK: latest confirmed epoch of each identity; 99: retired */
byte latest[4];

#define KEY_OF(x, seed) (WITHOUT(NO_CHANNEL_IN_KEY) -> (seed) : (4 * (x) + (seed)))
#define KNOWN(x) (s[x].is_adv || s[x].peer == ADV)
#define IS_LET_IN(x, is_tenant) \
    (WITHOUT(NO_CLIENT_CHECK) || (is_tenant && (im[x].serves & FOR_T)) || \
     (!is_tenant && (im[x].serves & FOR_A)))

inline forget(x)
{
    s[x].what = NOTHING; s[x].a = 0; s[x].b = 0; s[x].version = 0; s[x].id = 0; s[x].epoch = 0
}

inline wipe(x)
{
    forget(x); s[x].key = 0; s[x].peer = 0; s[x].serves = 0; s[x].is_adv = 0
}

/* An end leaves a connection; what nobody can see any more is wiped, to keep states few. */
inline leave_client(x)
{
    s[x].has_client = 0;
    if
    :: !s[x].has_image -> wipe(x)
    :: else
    fi
}
inline leave_image(x)
{
    s[x].has_image = 0;
    if
    :: !s[x].has_client -> wipe(x)
    :: else
    fi
}

/* ---- the gateway ---- */

#define MATCHES(rule_off, is_equal) (WITHOUT(rule_off) || (is_equal))

/* Evidence from the vendor's root for the right measurement: one of the quotes there are. */
#define IS_ACCEPTED(e) \
    (e < quotes && MATCHES(NO_EXPORTER, q[e].exporter == cur) && \
     MATCHES(NO_IMAGE_KEY, q[e].key == s[cur].key) && MATCHES(NO_TENANT, q[e].serves == FOR_T) && \
     MATCHES(NO_VERSION, q[e].version == s[cur].version) && MATCHES(NO_NONCE, q[e].nonce == nonce))

/* Identity and epoch as the image presents them: new, or the latest there is of the one we know. */
#define IS_LATEST \
    (WITHOUT(NO_EPOCH) || s[cur].epoch == 0 || \
     (s[cur].id == holder && (s[cur].epoch == confirmed || s[cur].epoch == begun)))

/* What the gateway believes from now on is so. */
inline claim_all()
{
    HOLDS(AGREEMENT, s[cur].peer != ADV);
    HOLDS(AGREEMENT, s[cur].key == s[cur].peer);
    HOLDS(AGREEMENT, s[cur].serves == FOR_T);
    HOLDS(FRESH, e >= QUOTES || q[e].nonce == nonce);
    HOLDS(NO_FORK, s[cur].epoch == 0 || (latest[s[cur].id] != 99 && s[cur].epoch >= latest[s[cur].id]))
}

/* The connection is over. Evidence that was refused ends the keys at once; a connection that was cut
 * leaves them for the lease, so that a resumed one loses no packet. */
inline lose()
{
    if
    :: is_lost && !WITHOUT(NO_DELETION) -> using = false
    :: else
    fi;
    HOLDS(FAIL_CLOSED, !is_lost || !using);
    if
    :: cur != 0 -> leave_client(cur)
    :: else
    fi;
    cur = 0; nonce = 0; is_lost = false; gw = idle
}

/* The evidence that came is judged; `next` where it is good. */
inline judge(next)
{
    byte e;
    if
    :: IS_ACCEPTED(0) -> e = 0
    :: IS_ACCEPTED(1) -> e = 1
    :: IS_ACCEPTED(2) -> e = 2
    :: WITHOUT(NO_MEASUREMENT) || WITHOUT(NO_ROOT) -> e = 10 /* made by the attacker itself */
    :: e = 11                                            /* anything that is refused */
    fi;
    if
    :: e != 11 && IS_LATEST ->
        claim_all();
        gw = next; nonce = 0; forget(cur)
    :: e != 11 && !IS_LATEST ->
        REACHED(1); is_lost = true; lose()
    :: e == 11 ->
        REACHED(2); is_lost = true; lose()
    fi;
    e = 0
}

inline ask(next)
{
    nonces++; nonce = nonces;
    s[cur].what = ATTEST; s[cur].a = nonce; gw = next
}

/* An SA: our end, and the request that has the image make its own. */
inline give_sa()
{
    s[cur].what = SA; s[cur].a = 1;
    using = true;
    HOLDS(SECRECY, !KNOWN(cur));
    HOLDS(NO_ROLLBACK, policy >= high_ever)
}

active proctype gateway()
{
end:
    do
    /* attest */
    :: atomic { gw == idle && cur != 0 && !WITHOUT(NO_ATTESTATION) && nonces < nonces_max -> ask(asked) }
    :: atomic { gw == idle && cur != 0 && WITHOUT(NO_ATTESTATION) -> gw = judged }
    :: atomic { gw == asked && s[cur].what == ANSWER -> judge(judged) }
    /* provision: version and epoch are on the disk before the image can have them */
    :: atomic { gw == judged && s[cur].what == NOTHING ->
        if
        :: policy < high && !WITHOUT(NO_DURABLE) ->
            REACHED(3); is_lost = true; lose()
        :: else ->
            high = policy;
            HOLDS(NO_ROLLBACK, policy >= high_ever);
            high_ever = (policy > high_ever -> policy : high_ever);
            begun = (begun > confirmed -> begun : confirmed) + 1;
            s[cur].what = CHAIN; s[cur].a = policy; s[cur].b = begun; gw = provisioned
        fi }
    :: atomic { gw == provisioned && s[cur].what == DONE && s[cur].a == CHAIN ->
        if
        :: holder != 0 && s[cur].id != holder -> latest[holder] = 99
        :: else
        fi;
        holder = s[cur].id; confirmed = begun; latest[holder] = confirmed;
        forget(cur);
        give_sa() }
    :: atomic { gw == provisioned && s[cur].what == DONE && s[cur].a == SA ->
        REACHED(4); forget(cur); gw = running }
    /* rekey */
    :: atomic { gw == running && s[cur].what == NOTHING && rekeys < 1 ->
        rekeys++; give_sa() }
    :: atomic { gw == running && s[cur].what == DONE ->
        REACHED(5); forget(cur) }
    /* re-attest, on a timer and on demand */
    :: atomic { gw == running && s[cur].what == NOTHING && nonces < nonces_max -> ask(asked_again) }
    :: atomic { gw == asked_again && s[cur].what == ANSWER ->
        REACHED(6); judge(running) }
    /* no answer in time, or the image refuses */
    :: atomic { cur != 0 && gw != idle -> lose() }
    /* the lease is over at the gateway's end */
    :: atomic { cur == 0 && using -> using = false }
    /* restarted, with an older or newer policy file; only what is durable is left */
    :: atomic { restarts < 1 && (gw == idle || gw == running) ->
        restarts++; using = false;
        if
        :: cur != 0 -> leave_client(cur)
        :: else
        fi;
        cur = 0; gw = idle;
        if
        :: WITHOUT(NO_DURABLE) -> high = 0
        :: else
        fi;
        if
        :: policy = 1
        :: policy = 2
        fi }
    /* a new policy for a running image: it goes forward; changed through the same path */
    :: atomic { gw == running && s[cur].what == NOTHING && policy == 1 ->
        policy = 2; gw = judged }
    od
}

/* ---- an image of the right measurement ---- */

inline seal(i)
{
    if
    :: sealed < BLOBS ->
        blobs[sealed].id = im[i].id; blobs[sealed].epoch = im[i].epoch;
        blobs[sealed].version = im[i].version; sealed++
    :: else
    fi
}

/* It makes a quote, which the host gets; what the host hands back to put into the answer is opaque
 * to it, so that the gateway may see any quote there is. */
inline on_attest(i, x)
{
    if
    :: quotes < QUOTES ->
        q[quotes].exporter = x; q[quotes].key = i; q[quotes].serves = im[i].serves;
        q[quotes].version = im[i].version; q[quotes].nonce = s[x].a; quotes++
    :: else /* what it made is lost: the host drops it */
    fi;
    s[x].what = ANSWER; s[x].version = im[i].version; s[x].id = im[i].id; s[x].epoch = im[i].epoch;
    s[x].a = 0
}

inline on_chain(i, x)
{
    if
    :: (s[x].a < im[i].version || s[x].b <= im[i].epoch) && !WITHOUT(NO_MONOTONIC) ->
        REACHED(7); s[x].what = REFUSED
    :: else ->
        HOLDS(NO_ROLLBACK, s[x].is_adv || s[x].a >= im[i].version);
        im[i].version = s[x].a; im[i].epoch = s[x].b; seal(i);
        s[x].what = DONE; s[x].a = CHAIN; s[x].b = 0; s[x].id = im[i].id
    fi
}

inline on_sa(i, x)
{
    byte k = (scenario == RNG -> KEY_OF(x, s[x].a) : 0);
    if
    :: k != 0 && (im[i].known & (1 << k)) && !WITHOUT(NO_REUSE_CHECK) ->
        REACHED(8); s[x].what = REFUSED
    :: else ->
        if
        :: k != 0 ->
            HOLDS(KEY_ONCE, !(installed & (1 << k)));
            installed = installed | (1 << k); im[i].known = im[i].known | (1 << k)
        :: else
        fi;
        if
        :: s[x].is_adv -> im[i].has_foreign = 1
        :: else -> im[i].has_keys = 1
        fi;
        HOLDS(SOLE, !im[i].has_keys || !im[i].has_foreign);
        s[x].what = DONE; s[x].a = SA
    fi;
    k = 0
}

#define IS_ASKED(i, x) \
    (im[i].is_up && s[x].peer == i && s[x].has_image && s[x].what >= ATTEST && s[x].what <= SA)

proctype image(byte i)
{
    byte x;
end:
    do
    :: atomic { IS_ASKED(i, 1) || IS_ASKED(i, 2) || IS_ASKED(i, 3) ->
        if
        :: IS_ASKED(i, 1) -> x = 1
        :: IS_ASKED(i, 2) -> x = 2
        :: IS_ASKED(i, 3) -> x = 3
        fi;
        if
        :: s[x].what == ATTEST -> on_attest(i, x)
        :: s[x].what == CHAIN -> on_chain(i, x)
        :: s[x].what == SA -> on_sa(i, x)
        fi;
        x = 0 }
    /* the lease is over: nobody who set SAs has asked for that long */
    :: atomic { im[i].is_up && im[i].has_keys && (cur == 0 || s[cur].peer != i) ->
        if
        :: !WITHOUT(NO_LEASE) -> im[i].has_keys = 0; im[i].has_foreign = 0
        :: else
        fi;
        REACHED(9); HOLDS(FAIL_CLOSED, !im[i].has_keys) }
    od
}

/* ---- the host ---- */

inline stop(i)
{
    byte y = 1;
    do
    :: y <= SESSIONS ->
        if
        :: s[y].peer == i && s[y].has_image -> leave_image(y)
        :: else
        fi;
        y++
    :: else -> break
    od;
    y = 0;
    im[i].is_up = 0; im[i].has_keys = 0; im[i].has_foreign = 0; im[i].known = 0;
    im[i].id = 0; im[i].epoch = 0; im[i].version = 0
}

inline start(i)
{
    starts++;
    stop(i);
    if
    :: ids < 3 -> ids++; im[i].id = ids
    :: sealed > 0 -> im[i].id = blobs[0].id; im[i].epoch = blobs[0].epoch; im[i].version = blobs[0].version
    :: sealed > 1 ->
        im[i].id = blobs[1].id; im[i].epoch = blobs[1].epoch; im[i].version = blobs[1].version
    fi;
    if
    :: im[i].serves = FOR_T
    :: im[i].serves = FOR_A
    :: im[i].serves = FOR_BOTH
    fi;
    im[i].is_up = 1
}

inline open(is_attacker, other, shown)
{
    sessions++;
    s[sessions].is_adv = is_attacker; s[sessions].peer = other;
    s[sessions].key = shown; s[sessions].serves = im[other].serves; s[sessions].has_client = 1; s[sessions].has_image = (other != ADV)
}

#define IS_OURS(x) (s[x].is_adv && s[x].has_image && (s[x].what == NOTHING || s[x].what >= ANSWER))

active proctype host()
{
    byte i, x;
end:
    do
    /* which images run, for whom, from which sealed state; a migration is a restart */
    :: atomic { starts < starts_max ->
        if
        :: i = 1
        :: i = 2
        fi;
        start(i); i = 0 }
    :: atomic { WITHOUT(NO_RESTART) && im[1].is_up && im[1].serves == FOR_T -> im[1].serves = FOR_A }
    /* where the gateway's connection leads: to an image, or to the host itself */
    :: atomic { gw == idle && cur == 0 && sessions < sessions_max ->
        if
        :: im[1].is_up && IS_LET_IN(1, true) -> open(0, 1, 1)
        :: im[2].is_up && IS_LET_IN(2, true) -> open(0, 2, 2)
        :: open(0, ADV, KEY_ADV)
        :: scenario == LEAK -> open(0, ADV, 1)
        fi;
        cur = sessions }
    /* a connection of its own to an image */
    :: atomic { sessions < sessions_max && im[1].is_up && IS_LET_IN(1, scenario == LEAK) -> open(1, 1, 1) }
    :: atomic { sessions < sessions_max && im[2].is_up && IS_LET_IN(2, scenario == LEAK) -> open(1, 2, 2) }
    /* what it asks there: evidence over a nonce it has seen, policies, keys. In LEAK it has the
     * tenant's key and could provision for itself; only evidence is claimed to withstand that. */
    :: atomic { IS_OURS(1) || IS_OURS(2) || IS_OURS(3) ->
        if
        :: IS_OURS(1) -> x = 1
        :: IS_OURS(2) -> x = 2
        :: IS_OURS(3) -> x = 3
        fi;
        if
        :: cur != 0 && s[cur].peer == ADV && s[cur].what == ATTEST -> s[x].what = ATTEST; s[x].a = nonce
        :: scenario != LEAK && im[s[x].peer].version == 0 -> s[x].what = CHAIN; s[x].a = 2; s[x].b = 1
        :: scenario != LEAK && !im[s[x].peer].has_foreign -> s[x].what = SA; s[x].a = 0
        :: leave_client(x); leave_image(x)
        fi;
        x = 0 }
    /* answers as the image, to a gateway that it leads to itself */
    :: atomic { cur != 0 && s[cur].peer == ADV && s[cur].what >= ATTEST && s[cur].what <= SA ->
        if
        :: s[cur].what == ATTEST -> s[cur].what = ANSWER; s[cur].a = 0
        :: s[cur].what == CHAIN -> s[cur].what = DONE; s[cur].a = CHAIN; s[cur].b = 0; s[cur].id = 1
        :: s[cur].what == SA -> s[cur].what = DONE; s[cur].a = SA
        fi }
    /* shows evidence to somebody who was not there (an auditor, with a binding as it was logged) */
    :: atomic { quotes > 0 ->
        if
        :: WITHOUT(NO_IMAGE_KEY) -> i = KEY_ADV
        :: else -> i = q[0].key
        fi;
        if
        :: WITHOUT(NO_VERSION) -> x = 3 - q[0].version
        :: else -> x = q[0].version
        fi;
        HOLDS(AGREEMENT, i == q[0].key && x == q[0].version); REACHED(10);
        i = 0; x = 0 }
    od
}

init {
    atomic {
        c_code { (void)atexit(reached_print); now.rule = (unsigned char)number_of("RULE"); now.scenario = (unsigned char)number_of("SCENARIO");
                 now.starts_max = (unsigned char)number_of("STARTS"); now.sessions_max = (unsigned char)number_of("SESSIONS");
                 now.nonces_max = (unsigned char)number_of("NONCES"); };
        run image(1); run image(2)
    }
}
