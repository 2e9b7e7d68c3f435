#!/usr/bin/perl

# An old worker tells the devices that it can't hand over when to come back,
# and ends their responses properly, spread over "pimap_drain"; then it exits.
# New workers park new devices.  "worker_shutdown_timeout" and a fast stop
# close connections at once.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

use constant LATE => 2;         # seconds, for a machine that is busy

my @transports = qw(http https h2);
my $t = Pimap->new(workers => 2, mode => 'pimap_detach off;',
    http => 'pimap_drain 2s;');
my $one = Pimap->new(redis => $t->redis(), mode => 'pimap_detach off;',
    http => 'pimap_drain 30s;',
    main => 'worker_shutdown_timeout 500ms;');
my $stop = Pimap->new(redis => $t->redis(), mode => 'pimap_detach off;',
    http => 'pimap_drain 30s;');

my $last = Pimap->new(redis => $t->redis(), mode => 'pimap_detach on;',
    http => 'pimap_drain 200ms;');

$t->plan(32);

$_->run() for $t, $one, $stop, $last;

sub park_all {
    my ($at, $n) = @_;

    my @s = map { $at->park('alice', transport => $_) } (@transports) x $n;

    $_->read_until(qr/: parked\n.*\n\n/) for @s;
    return @s;
}

# The end of a response, maybe with comments.
my $goodbye = qr/^retry: [1-9]\d*\nevent: retry\ndata: \{\}\n\n\z/m;

# The end of each response, in seconds from now.

sub ends {
    my ($at, @s) = @_;

    my $start = time();
    my %end;

    $at->wait_for(sub {
        for my $i (grep { !$end{$_} } 0 .. $#s) {
            $end{$i} = time() - $start if $s[$i]->ended(0);
        }
        return keys(%end) == @s;
    }, 'the ends');

    return sort { $a <=> $b } values(%end);
}

# The number of tenths of a second in which at least one time falls.

sub moments {
    my %moments = map { int($_ * 10) => 1 } @_;
    return scalar(keys(%moments));
}

# Reload.

my @old = park_all($t, 10);
my @pids = $t->workers();

$t->reload();

my $new = $t->park('alice');

ok($new->read_until(qr/: parked\n.*\n\n/),
    'reload: new workers park new devices');

my @ends = ends($t, @old);

is(scalar(@ends), 30, 'reload: each response ends in good order');
is(scalar(grep { $_->{body} =~ $goodbye } @old), 30,
    'reload: each response says when to come back');
cmp_ok($ends[-1], '<', 2 + LATE, 'reload: all end within pimap_drain');
cmp_ok(moments(@ends), '>', 3, 'reload: ends are spread');

my %retry = map { $_->{body} =~ /retry: (\d+)/ } @old, @old;

cmp_ok(scalar(keys(%retry)), '>', 10, 'reload: times to come back are spread');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @pids }),
    'reload: then the old workers exit');

my $status = $t->status();

is($status->{parked}, 1, 'reload: the new device is counted');
is($status->{ends}{drain}, 30, 'reload: the ends are counted');
is($status->{connects}, 31, 'reload: all connects are counted');
is(scalar(@{ $status->{workers} }), 2, 'reload: two workers');

ok($t->wait_ready() && $t->subscribed('alice'), 'reload: ready');
is($t->publish('alice', { event => 'One' })->{json}{receivers}, 1,
    'reload: one subscriber');
is(($new->event() // {})->{event}, 'One', 'reload: delivered');

# Quit.

$new->close();
@old = park_all($t, 2);
$t->quit();
@ends = ends($t, @old);

is(scalar(@ends), 6, 'quit: each response ends in good order');
is(scalar(grep { $_->{body} =~ $goodbye } @old), 6,
    'quit: each response says when to come back');
ok($t->nginx()->gone(), 'quit: nginx exits');

# An exiting worker does not park a request.  The worker has read its first
# half, because it has answered a later request.

my $half = $stop->open_stream("GET /events?account=bob HTTP/1.1\r\n");

my $page = bless($stop->open_stream(
    "GET /events?account=bob HTTP/1.1\r\n"), 'Pimap::WebSocket');
my $poll = $stop->open_stream(
    "GET /events?account=bob&format=json HTTP/1.1\r\n");

$stop->status();
$stop->reload();
$half->send("Host: localhost\r\n\r\n");

is($half->status(), 200, 'late: status 200');
ok($half->ended(), 'late: the response ends');
like($half->{body}, qr/\A$goodbye/, 'late: it says when to come back');

my %headers = Pimap::WebSocket::headers();

$page->send(join('', 'Host: localhost', map({ "\r\n$_: $headers{$_}" }
    keys(%headers)), "\r\n\r\n"));
is(($page->json() // {})->{event}, 'retry', 'late: a WebSocket, too');
is(unpack('n', ($page->next() // {})->{payload} // ''), 1001,
    'late: its code is that of a server that leaves');

$poll->send("Host: localhost\r\n\r\n");
is($poll->status(), 200, 'late: a long-poll has its answer');
like($poll->body(), qr/"events":\[\n\{"event":"retry","retry":\d+\}\n\]\}/,
    'late: which says when to come back');
$_->close() for $page, $poll;

# worker_shutdown_timeout.

@old = park_all($one, 2);
@pids = $one->workers();

my $start = time();

$one->reload();
is(scalar(grep { $_->closed() } @old), 6, 'shutdown time-out: all closed');
ok($one->wait_for(sub { !grep { -e "/proc/$_" } @pids }),
    'shutdown time-out: the workers exit');
cmp_ok(time() - $start, '<', 5,
    'shutdown time-out: before the end of pimap_drain');
ok($one->wait_for(sub { $one->status()->{parked} == 0 }),
    'shutdown time-out: no device is counted');

# A fast stop.

@old = park_all($stop, 2);
$start = time();
$stop->nginx()->stop();
is(scalar(grep { $_->closed() } @old), 6, 'stop: all closed');
cmp_ok(time() - $start, '<', 5, 'stop: at once');

# Devices could be handed over, but there is no new worker.

@old = map { $last->park('alice') } 1 .. 3;
$last->wait_for(sub { $last->status()->{devices}{detached} == 3 });
$last->quit();
@ends = ends($last, @old);
is(scalar(@ends), 3, 'quit, detached: each response ends in good order');
cmp_ok($ends[-1], '<', 1.5, 'quit, detached: without waiting for a peer');
