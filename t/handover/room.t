#!/usr/bin/perl

# New workers have fewer connections than there are devices.  Devices without
# room stay in the old worker, which tells them to come back, spread over
# "pimap_drain".  So does a new worker if clients have taken the room that it
# had promised.  No connection is just closed, and Redis and the status page
# have room.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

use constant { DEVICES => 80, DRAIN => 2, LATE => 2, CLIENTS => 48 };

my $t = Pimap->new(mode => '', log => 'notice', connections => 256,
    http => 'pimap_drain ' . DRAIN . 's;');
my $files = Pimap->new(redis => $t->redis(), mode => '', log => 'notice',
    workers => 2, http => 'pimap_drain 500ms;');
my $late = Pimap->new(mode => '', log => 'notice', connections => 256);
my $proxy = Pimap::Proxy->new(t => $late, name => 'proxy', mode => 'open');

$t->plan(2 * 9 + 10);

sub check {
    my ($t, $name, $change) = @_;

    $t->run();
    $t->wait_ready();

    my @s = map { $t->park('user' . int($_ / 2)) } 1 .. DEVICES;

    $_->read_until(qr/: parked\n.*\n\n/) for @s;
    $t->wait_for(sub { $t->status()->{devices}{detached} == DEVICES });

    my @old = $t->workers();

    $change->();
    ok($t->reload(), "$name: a reload");

    my $start = time();

    ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
        "$name: the old workers exit");

    my $took = time() - $start;
    my @ended = grep { $_->ended(0) } @s;

    # The last ones may wait for Redis after the old worker has exited.

    $t->wait_for(sub { $t->status()->{parked} + @ended == DEVICES }, 'all');

    my $status = $t->status();
    my $moved = $status->{handover}{received};

    ok($moved >= 10 && $moved < DEVICES, "$name: some devices find room")
        or diag("$moved devices");
    is($status->{handover}{sent}, $moved, "$name: none is lost");
    is($status->{handover}{noRoom}, DEVICES - $moved,
        "$name: the others are counted");

    # A request for the status may have taken a place that was promised.

    is(scalar(grep { $_->{body} =~ /event: retry\n.*\n\n\z/ } @ended),
        @ended, "$name: they are told to come back");
    is(join(' ', @{$status}{qw(parked)}, $status->{ends}{drain}),
        join(' ', DEVICES - @ended, scalar(@ended)),
        "$name: the ends are counted");
    cmp_ok($moved + @ended, '<=', DEVICES + 2, "$name: few go then");
    like(join("\n", $t->log_lines(qr/pimap keeps/)),
        qr/keeps \d+ devices: .* "worker_connections"/, "$name: the log, too");

    return ($took, @s);
}

my ($took, @s) = check($t, 'fewer connections',
    sub { $t->nginx()->{connections} = 50 });

cmp_ok($took, '>', DRAIN / 2, 'not all are told in one moment');
ok($t->wait_ready(), 'the new worker is ready');

my ($stays) = grep { !$_->ended(0) } @s;

$t->redis()->publish("user$_", { event => 'QuotaExceed' }) for 0 .. DEVICES;
is(($stays->event() // {})->{event}, 'QuotaExceed', 'the devices get events');

# The log does not tell of connections that were not enough.

is(scalar($t->log_lines(qr/worker_connections are not enough/)), 0,
    'no connection was missing');

check($files, 'fewer files',
    sub { $files->nginx()->{main} = 'worker_rlimit_nofile 64;' });
is(scalar($files->log_lines(qr/Too many open files/)), 0,
    'no descriptor was missing');

# The devices wait for the marker, while other clients come.

$late->run();
$late->wait_ready();
$proxy->start();
@s = map { $late->park('alice') } 1, 2;
$_->read_until(qr/: parked\n.*\n\n/) for @s;
$late->subscribed('alice');
$late->wait_for(sub { $late->status()->{devices}{detached} == 2 }, 'detached');

my @old = $late->workers();

@{ $late->nginx() }{qw(connections http)} = (64,
    'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=30s probe=60s; pimap_drain 500ms;');
$proxy->mode('marker');
$late->nginx()->reload();
$late->wait_for(sub { $proxy->noted('marker') }, 'the marker');
$proxy->mode('late');
ok($late->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'devices that were promised room: the old worker exits');

my @clients = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
    . $late->port('http')) } 1 .. CLIENTS;

print { $_ } "GET /events HTTP/1.1\r\nHo" for @clients;
is($late->status()->{parked}, 0, 'they wait, and clients take the room');
$proxy->mode('open');
is(scalar(grep { $_->ended()
    && $_->{body} =~ /event: retry\n.*\n\n\z/ } @s), 2,
    'they are told to come back');
is(join(' ', @{ $late->status()->{ends} }{qw(drain error)}), '2 0',
    'no connection is just closed');
is(scalar($late->log_lines(qr/disconnects devices from an old worker/)), 1,
    'the log says why');
