#!/usr/bin/perl

# The page of docs/login.md in a real browser: it gets its events after a break
# that is longer than the life of a ticket, beside a copy of its tab, and after
# a reload.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;
use Pimap::Page;
use Pimap::Token;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my ($page) = grep { $_->name() eq 'docs/login.md' }
    Pimap::Page->all($t->root());
my ($example) = $page->blocks('js', 'Tickets');
my $secret = $t->write_file($t->dir() . '/ticket.key', 'x' x 40);

$t->nginx()->{locations} .= <<"END";
    pimap_token_key @{[ $token->jwks('keys.json', 'ec256') ]};
    pimap_ticket_key $secret;

    location = /pimap/events {
        pimap_login ticket;
        pimap_retry 1s;
        pimap_events;
    }

    location = /pimap/ticket {
        pimap_login token;
        pimap_ticket_time 1s;
        pimap_ticket;
    }

    location = /page {
        root @{[ $t->dir() ]};
        default_type text/html;
    }
END

$t->plan(14);
write_page();
$t->run();

# In another browsing context, as a frame is, a copy of the tab has the same
# sessionStorage.

my $browser = Pimap::Browser->start(t => $t);

$browser->open('http://127.0.0.1:' . $t->port('http') . '/page');
ok(devices(1), 'the page parks');
ok($browser->wait('synchronised === 1'), '    and synchronises once');
publish(1);
ok(shown('1'), '    and shows an event');

# A break

$t->nginx()->stop();
publish(2);

my $expires = $browser->eval('expires');

$t->wait_for(sub { time() > $expires }, 'the end of the ticket');
$t->nginx()->start();
ok(shown('1,2'), 'after a break with an expired ticket: the missed event');
ok(devices(1), '    and the device');
like($t->read_file($t->dir() . '/access.log'), qr{/pimap/events\S* \S+ 401 },
    '    after a 401 for the old ticket');
publish(3);
ok(shown('1,2,3'), '    and the next event');
is($browser->eval('synchronised'), 1, '    without synchronising again');

# A copy of the tab

$browser->eval('document.body.append(Object.assign('
    . 'document.createElement("iframe"), { src: "/page" })), 1');
ok(devices(2), 'a copy of the tab: both park, by different names');
publish(4);
ok(shown('1,2,3,4'), '    this one shows the event');
ok($browser->wait('frames[0].shown.join() === "4"'),
    '    and so does the copy');
is($t->status()->{ends}{superseded}, 1,
    '    one of them was superseded, once');

# A reload

my $device = $browser->eval('sessionStorage.getItem("device")');

$browser->eval('document.querySelector("iframe").remove(), 1');
$browser->open('http://127.0.0.1:' . $t->port('http') . '/page');
ok($browser->wait('globalThis.synchronised === 1'),
    'a reload: the page synchronises');
is($browser->eval('sessionStorage.getItem("device")'), $device,
    '    and keeps its device');


sub devices {
    my ($n) = @_;

    return $t->wait_for(sub {
        $t->status()->{devices}{detached} == $n && $t->redis()->numsub('alice')
    }, "$n devices");
}


sub shown {
    my ($uids) = @_;
    return $browser->wait("shown.join() === '$uids'");
}


sub publish {
    my ($uid) = @_;
    return $t->redis()->log('alice', { event => 'MessageNew', uid => $uid });
}


# With what the example needs of its page.

sub write_page {
    my $jwt = $token->make(ec256 => { sub => 'alice', iat => time() - 100,
        exp => time() + 3600 });

    $t->write_file($t->dir() . '/page', <<"END");
<title>page</title>
<body>
<script>
const token = '$jwt';
globalThis.shown = [];
globalThis.synchronised = 0;
globalThis.expires = 0;

const login = () => { document.title = 'login'; };
const synchronise = () => { synchronised++; };
const show = event => { shown.push(event.uid); };

// The time of the last ticket
const json = Response.prototype.json;
Response.prototype.json = async function () {
    const answer = await json.call(this);
    expires = answer.expires ?? expires;
    return answer;
};
</script>
<script>
$example->{text}
</script>
END
}
