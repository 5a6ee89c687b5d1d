// Limits of the platform's own code, each with its unit and its reason. Rates come from the scenario.

/** A call that has not been answered by then is `unknown`. Ten times the slowest mean answer of a vendor. */
export const CALL_DEADLINE_MS = 15_000;

/** Tries of one step that end in a transient or unknown outcome; the back-off below spans 75 s on average, 151 at most. */
export const ATTEMPTS_MAX = 12;

/** Refusals of one call by a quota before its company is given up: a quota that never opens is a hard one. */
export const REFUSALS_MAX = 50;

/** Exponential back-off with full jitter: uniform in [0, min(cap, base × 2^attempt)). */
export const BACKOFF_BASE_MS = 500;
export const BACKOFF_CAP_MS = 20_000;

/** Retries beyond this share of first tries, plus the burst, wait the longest back-off: a sick vendor is not hammered. */
export const RETRY_BUDGET_SHARE = 0.2;
export const RETRY_BUDGET_BURST = 50;

/** Between two looks at a long-running operation; 60 deployments a minute then stay under 600 reads a minute. */
export const POLL_MS = 2000;

/** A resource that is not ready by then has failed. Cloud Run gives a container 4 minutes to start. */
export const READY_MAX_MS = 300_000;

/**
 * How often one step takes away what it made and makes it again: what never got ready has cost READY_MAX_MS by then, and
 * what failed once may fail by chance, but hardly three times.
 */
export const REMAKES_MAX = { stuck: 1, broken: 2 } as const;

/**
 * A look may tell how things stood so long ago: before that, nothing is taken to be gone that may just have been made.
 * Assumed; Google says of Secret Manager that other reads than those by version converge within minutes.
 */
export const STALE_MAX_MS = 30_000;

/** Wait after a refusal that names no time of its own. */
export const RETRY_AFTER_DEFAULT_MS = 5000;

/** The longest wait that a refusal may ask for: our quotas count by the minute, and a wrong time must not stop a rollout. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** A provisioner that is not heard of for so long loses its batches: twice what its last call may take to land. */
export const LEASE_MS = 2 * CALL_DEADLINE_MS;

/** Between two looks at what another provisioner holds, or at its decision. */
export const LOOK_AT_OTHERS_MS = 5000;

/** Instances of a company's service at most, where its level says nothing: what Cloud Run gives one that does not ask. */
export const SERVICE_INSTANCES_MAX = 100;

/** Companies asked for their health at once, before a gate. */
export const GATE_HEALTH_CONCURRENCY = 50;

/** Changes of companies under way at once, those that wait for their admission included: each holds a lease. */
export const CHANGES_UNDER_WAY_MAX = 200;

/** The plan's health checks: critical services, MCP instances, database connections. */
export const CHECK_CRITICAL_MS = 30_000;
export const CHECK_SERVICE_MS = 60_000;
export const CHECK_DATABASE_MS = 300_000;

/** Of certificates: 10,000 a day are 7 calls a minute; hourly they would take most of what the vendor's API allows. */
export const CHECK_CERTIFICATE_MS = 86_400_000;

/** Of a vendor's rate, the share that the checks may take: changes, remedies and rollouts need the rest. */
export const CHECKS_SHARE_MAX = 0.5;

/** A check without an answer by then has failed: a cold start takes seconds, and users give up sooner. */
export const CHECK_DEADLINE_MS = 10_000;

/** Checks under way at once. 10,000 companies ask for 400 a second in all; a whole region that times out reaches it. */
export const CHECKS_UNDER_WAY_MAX = 2000;

/**
 * Failures in a row of one check that make a company unhealthy. Of a request to its service one may be a lost packet, and
 * three are at most three minutes; what a vendor's API says of a resource is no matter of chance.
 */
export const CHECK_FAILURES_MAX = { service: 3, database: 1, certificate: 1 } as const;

/** What one company's healing may do in an hour; more than that does not mend it, and a person must look. */
export const HEALINGS_PER_HOUR_MAX = 3;

/** Certificates are renewed so long before they end: in the middle of the 30 days in which the vendor lets them be. */
export const RENEW_BEFORE_MS = 15 * 86_400_000;

/** Companies a batch, by the plan's names. */
export const BATCH_SIZES = { small: 10, medium: 50, large: 200, enterprise: 500 } as const;
