#!/usr/bin/perl

# A poll is a device: it is superseded, resynced, drained, limited, logged and
# counted.  A client that polls in a loop gets each event once.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_max_devices 8; pimap_poll_wait 20s;'
    . ' pimap_max_devices_per_account 2; pimap_buffer 2k;';
$t->plan(27);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

sub poll {
    my ($account, %set) = @_;

    $set{query} = join('&', 'format=json', $set{query} // ());

    return $t->park($account, %set);
}

sub waits {
    my ($n) = @_;

    return $t->wait_for(sub { $t->status()->{parked} == $n }, "$n wait");
}

sub answer {
    my ($s) = @_;

    my $text = $s->status() == 200 ? $s->read_until(qr/\n\]\}\n\z/) : undef;

    return eval { JSON::PP->new()->decode($text) } // {};
}

sub names {
    return join(' ', map { $_->{event} } @{ $_[0]{events} // [] });
}

# A poll is superseded by a poll and by a stream.

my $s = poll('alice', query => 'device=d');
waits(1);

my $newer = poll('alice', query => 'device=d');
is(names(answer($s)), 'superseded', 'superseded');

my $stream = $t->park('alice', query => 'device=d');
$stream->read_until(qr/: parked\n.*\n\n/);
is(names(answer($newer)), 'superseded', 'superseded by a stream');
$stream->close();
waits(0);

# Resync, closeafter.

my $id = $redis->log('bob', { event => 'QuotaExceed' });
my $got = answer(poll('bob', query => 'last-event-id=1-1'));

is_deeply([ @{ $got->{events}[0] }{qw(event reason)} ],
    [ 'resync', 'epoch' ], 'resync');
is($got->{lastEventId}, $id, 'with its id');

$s = poll('bob', query => "closeafter=state&last-event-id=$id");
waits(1);
$redis->log('bob', { event => 'QuotaWithin' });
is(names(answer($s)), 'QuotaWithin', 'closeafter');

# Events outside the log.

$s = poll('carol');
waits(1);
$redis->publish('carol', { event => 'MessageNew' });
$got = answer($s);
is(names($got), 'MessageNew', 'an event outside the log');
is($got->{lastEventId}, '0', 'the event id does not change');

# Limits.

my @polls = map { poll('dave') } 1, 2;
waits(2);
is(poll('dave')->status(), 429, 'the account has too many devices: 429');
push(@polls, map { poll("erin$_") } 1 .. 6);
waits(8);

$s = poll('frank');
is($s->status(), 503, 'the server has too many devices: 503');
like($s->header('Retry-After'), qr/^(?:[3-8]\d|90|91)$/, 'with Retry-After');

# A poll whose client leaves.

pop(@polls)->close();
waits(7);

# A reload answers polls; the next poll waits at the new workers.

my $before = time();

$t->reload();
my @answers = map { answer($_) } @polls;

is(join(' ', map { names($_) } @answers), join(' ', ('retry') x 7),
    'a reload answers polls');
cmp_ok(time() - $before, '<', 10, 'at once');
is($answers[0]{lastEventId}, '0', 'with an id');
$t->wait_ready();

$s = poll('dave', query => 'last-event-id=0');
waits(1);
$redis->log('dave', { event => 'FlagsSet' });
is(names(answer($s)), 'FlagsSet', 'the next poll waits');

# Redis is away: no event.

$s = poll('gina', query => 'wait=2');
waits(1);
$redis->stop();
is($s->status(), 204, 'Redis goes: 204');
is($s->header('Pimap-Last-Event-ID'), '0', 'with the id');
$s = poll('gina', query => 'wait=1');
is($s->status(), 204, 'Redis is away: 204');
is($s->header('Pimap-Last-Event-ID'), undef, 'the id is unknown');
$redis->start();
$t->wait_ready();

# The log and the counters.

my $ends = $t->status()->{ends};

is($ends->{superseded}, 2, 'counted: superseded');
cmp_ok($ends->{answered}, '>=', 5, 'answered');
is($ends->{drain}, 7, 'drained');
like($t->log(), qr/reason="answered"\saccount="carol"\s[^\n]*
    transport="poll-h1"\s[^\n]*\sevents="1"/x, 'logged');
like($t->read_file($t->dir() . '/access.log'),
    qr{GET /events\?account=gina&format=json&wait=2 HTTP/1.1" 204 },
    'the access log has the polls');

# A client in a loop, over pages, with a filter, while events arrive.

my $total = 400;
my (%seen, @order, $published);
my $last = '0';
my $end = time() + 90;
my $polls = 0;

my $pid = fork() // die "fork: $!\n";

if (!$pid) {
    my $r = $redis->connect();

    for my $n (1 .. $total) {
        $r->command('FCALL', 'pimap_publish', 1, 'pimap:{loop}', $t->json(
            { event => rand() < 0.3 ? 'Skip' : 'Keep', n => $n,
                pad => 'x' x int(rand(200)) }));
        sleep(rand(0.02)) if rand() < 0.3;
    }

    require POSIX;
    POSIX::_exit(0);
}

while (time() < $end) {
    my $s = poll('loop', query => "events=Keep&wait=1&last-event-id=$last");
    my $status = $s->status();

    $polls++;
    $got = answer($s);
    $last = $s->header('Pimap-Last-Event-ID') // $last;
    push(@order, map { $_->{n} // $_->{event} } @{ $got->{events} // [] });
    $s->close();
    last if $status == 204 && waitpid($pid, 1) != 0;
}

my @expected = map { $_->[1][1] =~ /"event":"Keep","n":(\d+)/ ? $1 : () }
    @{ $redis->command('XRANGE', 'pimap:{loop}', '-', '+') };

is("@order", "@expected", 'each event once, in order');
cmp_ok(scalar(@order), '>', 200, 'many events');
like($last, qr/^\d+-$total$/, 'the id is that of the last event');
cmp_ok($polls, '>', 5, 'many polls');
