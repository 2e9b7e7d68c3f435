/*
 * Owns the changes of the page that matter to a connection.  Called by
 * pimap-client.js.  Invariant: a page that is put aside has no connection.
 */


/* "hidden": seconds after which a hidden page sleeps, 0: never.  Returns a
   function that ends all this. */

export function watchPage(hidden, { wake, sleep }) {
    const { document } = globalThis;
    const end = new AbortController();
    const on = (target, type, act) => target?.addEventListener?.(type, act,
        { signal: end.signal });
    let timer;

    on(document, 'visibilitychange', () => {
        clearTimeout(timer);

        if (document.visibilityState === 'visible') {
            wake();

        } else if (hidden) {
            timer = setTimeout(sleep, 1000 * hidden);
        }
    });

    on(globalThis, 'online', () => wake(true));

    /* The browser may keep a page that the user has left, to show it again. */

    on(document && globalThis, 'pagehide', sleep);
    on(document && globalThis, 'pageshow', (event) => event.persisted
        && wake());

    return () => {
        clearTimeout(timer);
        end.abort();
    };
}
