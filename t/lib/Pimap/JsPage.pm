package Pimap::JsPage;

# A page with pimap-client of integrations/js, in tabs of Chromium.  Each tab
# has the client "pimap", and in "seen" what it has dispatched, as texts:
# "MessageNew 7", "resync start".  "sockets" is how many it has opened; a tab
# that is "silent" tells other tabs nothing.
#
#     my $page = Pimap::JsPage->new($t);      # before $t->run()
#     my $tab = $page->tab('share=alice');    # query: options of the client
#
# "path" in the query is another location, which new() may have got.

use strict;
use warnings;

use Test::More import => [qw(diag)];

use Pimap::Browser;

my $html = <<'END';
<title>page</title>
<script type="module">
import { Pimap } from '/js/pimap-client.js';

const { path, share, hidden, ping, grace, device, transports, events }
    = Object.fromEntries(new URLSearchParams(location.search));

globalThis.sockets = 0;
globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
        super(...given);
        sockets++;
    }
};

globalThis.silent = false;
globalThis.BroadcastChannel = class extends BroadcastChannel {
    postMessage(note) {
        silent || super.postMessage(note);
    }
};

globalThis.seen = [];
globalThis.errors = [];
globalThis.results = [];
globalThis.pimap = new Pimap(`${path ?? '/events'}?account=alice`, {
    share, device,
    hidden: Number(hidden ?? 0), ...ping && { ping: +ping, grace: +grace },
    events: events?.split(','),
    ...transports && { transports: transports.split(',') } });

pimap.addEventListener('*', ({ name, data }) =>
    seen.push(`${name} ${data.uid ?? data.reason ?? data.status}`));

for (const name of ['retry', 'superseded', 'error']) {
    pimap.addEventListener(name, ({ data }) => errors.push({ ...data }));
}

globalThis.update = (id) => pimap.update({ id, update: 'store',
    callback() {} }).then(
    ({ status }) => results.push(`${id} ${status}`),
    ({ message }) => results.push(`${id} ${message}`));
</script>
END


sub new {
    my ($class, $t, $locations) = @_;

    my $root = $t->root();
    my $policy = "default-src 'none'; script-src 'self' 'unsafe-inline';"
        . " connect-src 'self'; frame-src 'self'";

    $t->write_file($t->dir() . '/page.html', $html);
    $t->nginx()->{http} .= 'include /etc/nginx/mime.types;';
    $t->nginx()->{locations} = <<"END";
        location = /events {
            pimap_account \$arg_account;
            pimap_retry 300ms;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }

        location /js/ {
            alias $root/integrations/js/;
        }

        location = /page.html {
            root @{[ $t->dir() ]};
            add_header Content-Security-Policy "$policy";
        }

        @{[ $locations // '' ]}
END

    return bless({ t => $t }, $class);
}


sub tab {
    my ($self, $query, $state) = @_;

    my $tab = $self->{browser} ? $self->{browser}->tab()
        : ($self->{browser} = Pimap::Browser->start(t => $self->{t}));

    $self->load($tab, $query, $state);

    return $tab;
}


sub load {
    my ($self, $tab, $query, $state) = @_;

    $state //= 'parked';

    $tab->open('http://127.0.0.1:' . $self->{t}->port('http')
        . "/page.html?$query");
    $tab->wait("globalThis.pimap?.state === '$state'")
        or diag("not $state: ", $tab->eval('globalThis.pimap?.state'));
}


# True as soon as the tab has dispatched exactly these.

sub saw {
    my ($self, $tab, @texts) = @_;

    my $text = join(', ', @texts);

    return 1 if $tab->wait("seen.join(', ') === '$text'", 20);

    diag("$text\n", $tab->eval("seen.join(', ')"));
    return;
}


sub publish {
    my ($self, $uid) = @_;

    return $self->{t}->redis()->log('alice',
        { event => 'MessageNew', uid => $uid });
}


# Hides a tab, or shows it.  Headless Chromium hides none.

sub visible {
    my ($self, $tab, $state) = @_;

    $tab->eval('Object.defineProperty(document, "visibilityState", { value: "'
        . ($state ? 'visible' : 'hidden') . '", configurable: true }),'
        . ' document.dispatchEvent(new Event("visibilitychange")), 1');
}


# Waits until so many devices are parked.

sub devices {
    my ($self, $n) = @_;

    my $t = $self->{t};

    return $t->wait_for(sub { $t->status()->{parked} == $n }, "$n devices");
}


1;
