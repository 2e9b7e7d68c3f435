/** Push events of ngx_pimap_module, and updates to the mail server. */

export type Transport = 'websocket' | 'stream' | 'eventsource' | 'poll';

export type State =
    | 'closed' | 'connecting' | 'parked' | 'retry' | 'sleeping'
    | 'superseded' | 'error';

export interface Ticket {
    ticket: string;
    /** Seconds since 1970 */
    expires?: number;
}

export interface Options {
    /** The address of a location with pimap_update */
    updates?: string;
    /** A name of your own; without it a tab keeps one over a reload */
    device?: string;
    /** A token, or a function that is called when another one is needed */
    token?: string | (() => string | undefined | Promise<string | undefined>);
    /** The address of a location with pimap_ticket, or a function */
    ticket?: string | (() => string | Ticket | Promise<string | Ticket>);
    /** Headers of requests, such as Authorization in Node */
    headers?: Record<string, string>;
    /** Cookies for another origin, too */
    withCredentials?: boolean;
    /** The id after which to start */
    lastEventId?: string;
    /** Filters */
    types?: string[];
    mailboxes?: string[];
    collections?: string[];
    events?: string[];
    /** Transports, the best first */
    transports?: Transport[];
    /** Tabs with the same text here share one connection */
    share?: string;
    /** Seconds between pings that are asked for; 45 */
    ping?: number;
    /** Seconds that silence may last longer; 30 */
    grace?: number;
    /** Seconds after which a hidden page disconnects; 0, never */
    hidden?: number;
    /** Instead of the global ones */
    fetch?: typeof fetch;
    WebSocket?: new (url: string) => any;
    EventSource?: new (url: string, init?: any) => any;
}

export interface Update {
    /** Without it the client makes one */
    id?: string;
    update: string;
    [member: string]: unknown;
}

export interface Result {
    update: string;
    device: string;
    status: string;
    detail?: string;
    [member: string]: unknown;
}

/** An event of mail, contacts or calendars, or one of the client itself. */
export class PimapEvent<Data = any> extends Event {
    /** As `type`, but for the type "*" the name of the event */
    readonly name: string;
    readonly data: Data;
    /** Of the log, or empty */
    readonly id: string;
}

export class PimapError extends Error {
    /** Of the answer, if there was one */
    readonly status?: number;
    readonly detail: string;
    /** Milliseconds until the next attempt, in an event "retry" */
    readonly pause?: number;
}

export type Reason =
    | 'start' | 'missed'
    | 'gone' | 'epoch' | 'future' | 'empty' | 'unavailable' | 'memory';

export interface EventMap {
    parked: PimapEvent<{ transport: Transport }>;
    resync: PimapEvent<{ reason: Reason }>;
    retry: PimapEvent<PimapError>;
    expired: PimapEvent<{ reason: 'time' | 'revoked' | 'login' }>;
    superseded: PimapEvent<PimapError>;
    error: PimapEvent<PimapError>;
}

type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/* The types of Node have no AddEventListenerOptions. */
interface ListenerOptions {
    capture?: boolean;
    once?: boolean;
    passive?: boolean;
    signal?: AbortSignal;
}

export class Pimap extends EventTarget {
    constructor(url: string, options?: Options);

    readonly state: State;
    readonly transport?: Transport;
    readonly device: string;
    readonly lastEventId: string;

    /** Begins again after "superseded", "error" or close() */
    open(): void;
    close(): void;

    /** Rejected with a PimapError if the server refuses it, and while the
     *  client is closed, superseded or in state "error" */
    update(update: Update): Promise<Result>;

    addEventListener<Name extends keyof EventMap>(name: Name,
        listener: Listener<EventMap[Name]> | null,
        options?: boolean | ListenerOptions): void;
    addEventListener(name: string, listener: Listener<PimapEvent> | null,
        options?: boolean | ListenerOptions): void;

    removeEventListener<Name extends keyof EventMap>(name: Name,
        listener: Listener<EventMap[Name]> | null,
        options?: boolean | ListenerOptions): void;
    removeEventListener(name: string, listener: Listener<PimapEvent> | null,
        options?: boolean | ListenerOptions): void;
}
