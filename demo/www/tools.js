'use strict';

/* Small tools of both pages. */

function parse(json) {
    try {
        return Object(JSON.parse(json));

    } catch {
        return { text: json };
    }
}


function element(tag, className, content) {
    const node = document.createElement(tag);

    node.className = className || '';
    node.textContent = content ?? '';

    return node;
}


function text(id, content) {
    document.getElementById(id).textContent = content;
}


/* The kind of an event, which has a colour. */

function kind(name) {
    const match = /^(Message|Flags|Mailbox|Quota|Contact|Calendar)/.exec(name);

    return match ? match[1].toLowerCase() : 'other';
}


/* The account of the login: the server sets it in a cookie. */

function loggedIn() {
    const cookie = document.cookie.split('; ').find(
        (c) => c.startsWith('account='));

    return cookie ? cookie.slice('account='.length) : '';
}
