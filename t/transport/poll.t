#!/usr/bin/perl

# Long-polling: "Accept: application/json" gets the events after the client's
# event id at once, or the next events, or a 204 after a while.  Each answer
# has the id of the next poll.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Process qw(patience);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_poll_wait 1s; pimap_poll_linger 300ms;'
    . ' pimap_poll_wait_max 8s;';
$t->nginx()->{locations} .= <<'END';
        location = /small {
            pimap_account $arg_account;
            pimap_buffer 1k;
            pimap_poll_wait_max 1s;
            pimap_events;
        }
END
$t->plan(32);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $json = JSON::PP->new()->utf8();
my @wrong;

sub new_mail { return { event => 'MessageNew', uid => $_[0] } }

sub poll {
    my ($account, %set) = @_;

    return $t->park($account, %set,
        headers => { Accept => 'application/json', %{ $set{headers} // {} } });
}

# The answer, with its events by their "uid" or their name.

sub answer {
    my ($s) = @_;

    my %got = (status => $s->status(),
        last => $s->header('Pimap-Last-Event-ID'));

    if ($got{status} == 200) {
        my $length = $s->header('Content-Length');
        my $text = $s->read_until(qr/\n\]\}\n\z/) // '';

        $got{json} = eval { $json->decode($text) } // {};
        push(@wrong, "$length bytes: $text")
            if ($s->{packed} // length($text)) != $length
            || $got{last} ne $got{json}{lastEventId};
        $got{uids} = join(' ', map { $_->{uid} // $_->{event} }
            @{ $got{json}{events} });
    }

    return \%got;
}

# Each transport: no event, known events, new events.

for my $transport (qw(http https h2)) {
    my $s = poll($transport, transport => $transport);
    my $got = answer($s);

    is_deeply([ @$got{qw(status last)} ], [ 204, '0' ],
        "$transport: no event: an id");
    $s->close();

    my @ids = map { $redis->log($transport, new_mail($_)) } 1 .. 3;
    my $start = time();

    $s = poll($transport, transport => $transport,
        query => 'wait=8', headers => { 'Last-Event-ID' => '0' });
    $got = answer($s);

    is("$got->{status} $got->{uids}", '200 1 2 3',
        "$transport: all events of the log");
    is($got->{last}, $ids[2], "$transport: the id of the next poll");
    is($s->header('Content-Type'), 'application/json', "$transport: type");
    cmp_ok(time() - $start, '<', patience(4), "$transport: at once");
    is_deeply($got->{json}{events}[1], { id => $ids[1], event => 'MessageNew',
        uid => 2 }, "$transport: an event");
    $s->close();

    $s = poll($transport, transport => $transport,
        query => "wait=8&last-event-id=$got->{last}");

    $t->subscribed($transport);

    my $kind = { http => 'pollH1', https => 'pollH1Tls',
        h2 => 'pollH2Tls' }->{$transport};

    ok($t->wait_for(sub { $t->status()->{devices}{$kind} == 1 }),
        "$transport: counted");

    (undef, $ids[4]) = $redis->together(sub {
        $redis->log($transport, new_mail($_)) for 4, 5;
    });

    $got = answer($s);
    is("$got->{uids} $got->{last}", "4 5 $ids[4]",
        "$transport: new events, together");
    $s->close();
}

# The connection stays open.

my $s = $t->open_stream(join("\r\n", 'GET /events?account=http&format=json'
    . '&last-event-id=earliest HTTP/1.1', 'Host: x', '', ''));

answer($s);
$s->send("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
$s->next();
is($s->status(), 200, 'keep-alive');
$s->close();

# Events that do not fit are in the next answer.  A large one is alone in it.

my ($last, @uids) = ('0');

$redis->log('long', { event => 'MessageNew', uid => $_,
    pad => 'x' x ($_ == 30 ? 5000 : 50) }) for 1 .. 60;

for my $n (1 .. 40) {
    my $got = answer($t->park('long', path => '/small',
        query => "format=json&last-event-id=$last"));

    last if $got->{status} != 200;

    push(@uids, split(/ /, $got->{uids}));
    $last = $got->{last};
    last if @uids >= 60;
}

is("@uids", join(' ', 1 .. 60), 'pages of a long log with a large event');

# Filters: the id rises although no event passes.

my $seen = $redis->log('filters', { event => 'QuotaExceed' });
my $got = answer(poll('filters', query =>
    'events=MessageNew&last-event-id=0'));

is_deeply([ @$got{qw(status last)} ], [ 204, $seen ], 'filtered: the id');

$s = poll('filters', query =>
    "events=MessageNew&last-event-id=$seen");
$t->subscribed('filters');
$seen = $redis->log('filters', { event => 'QuotaExceed' });
$got = answer($s);
is_deeply([ @$got{qw(status last)} ], [ 204, $seen ],
    'a new event is filtered: the id');

is($t->park('a', path => '/small', query => 'format=json&wait=100')->status(),
    204, 'a wait that is too long: the longest that is allowed');
is($t->get('/events?account=a&format=json&wait=often')->{status}, 400,
    'a wait that is not a number');
is($t->park('a', method => 'HEAD', query => 'format=json')->status(), 200,
    'HEAD');
is("@wrong", '', 'all answers have the right length and both ids');
