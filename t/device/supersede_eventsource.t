#!/usr/bin/perl

# An EventSource that was superseded comes back by itself, and then stays away:
# it gets a 204.  Two pages with the name of one device do not supersede each
# other for ever.  An id that the page sends itself is not affected.  Clients
# that ignore a 204 come back late.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(workers => 2, locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            pimap_retry 100ms;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }

        location / {
            default_type text/html;
            return 200 '<title>a page</title>';
        }
END

$t->plan(22);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $id = $redis->log('alice', { event => 'MessageNew', uid => 1 });
my ($mark, $retry) = superseded('alice');

like($mark, qr/^\Q$id\E\.superseded\.\d+$/, 'superseded: its id has a mark');
like($retry, qr/^(?:[5-9]\d{3}|1[0-4]\d{3}|15000)$/,
    '    and the time to come back is 100 times as long');

for my $way (qw(http h2)) {
    my $s = park($way, '', $mark);

    is($s->status(), 204, "$way: a 204 for the header with this id");
    is($s->header('Cache-Control'), 'no-store', '    which is not stored');
}

is(park('http', "lastEventId=$mark")->status(), 204,
    'a 204 for the parameter of event-source-polyfill');
is(park('http', 'format=ndjson', $mark)->status(), 200,
    'another format: parked');

my $again = park('http', "last-event-id=$mark");

is($again->status(), 200, 'an id that the page sends itself: parked');
$redis->log('alice', { event => 'MessageNew', uid => 2 });
is($again->event()->{json}{uid}, 2, '    after that event');

# The mark loses its meaning, and the id stays.

my ($seconds) = $mark =~ /(\d+)$/;

for my $time ($seconds - 3610, $seconds + 4000, '', 'soon', '9' x 30,
    '-' . $seconds)
{
    my $s = park('http', '', "$id.superseded.$time");

    is($s->event()->{json}{uid}, 2, "the time \"$time\": parked after the id");
}

is(park('http', '', "x.superseded.$seconds")->status(), 204,
    'an unknown id, just now: a 204');
is(park('http', '', 'x.superseded.1')->event()->{event}, 'resync',
    '    some time ago: a resync');

# Where there is no log, there is an id nevertheless.

like((superseded('bob'))[0], qr/^0\.superseded\.\d+$/,
    'no event yet: a mark, too');

# Two sources in a browser

my $browser = Pimap::Browser->start(t => $t);
my $before = $t->status()->{ends}{superseded};

$browser->open('http://127.0.0.1:' . $t->port('http') . '/');
$browser->eval('globalThis.got = [[], []], globalThis.sources = [0, 1].map('
    . 'i => { const s = new EventSource("/events?account=eve&device=tab");'
    . ' s.addEventListener("MessageNew",'
    . '     e => got[i].push(JSON.parse(e.data).uid)); return s; }), 1');
ok($browser->wait('sources.filter(s => s.readyState === 2).length === 1'),
    'two sources of one device: one of them gives up');
$redis->log('eve', { event => 'MessageNew', uid => 3 });
ok($browser->wait('got.flat().join() === "3"'), '    the other has the event');
is($t->status()->{ends}{superseded}, $before + 1,
    '    one was superseded, once');


sub park {
    my ($way, $query, $last) = @_;

    return $t->park('alice', transport => $way, query => "device=d&$query",
        defined $last ? (headers => { 'Last-Event-ID' => $last }) : ());
}


# Id and time of the event, from the first of two responses.

sub superseded {
    my ($account) = @_;

    my $s = $t->park($account, query => 'device=tab');

    $s->read_until(qr/: parked\n.*\n\n/);

    my $newer = $t->park($account, query => 'device=tab');

    $s->read_until(qr/superseded\ndata.*\n/);

    return $s->{all} =~ /retry: (\d+)\r?\nid: (\S+)\nevent: superseded/
        ? ($2, $1) : ();
}
