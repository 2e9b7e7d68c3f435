#!/usr/bin/perl

# A worker without memory for an event does not take it for no event: the event
# comes from the log, or the device is told to resync.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Oom;

plan(skip_all => 'a checker has an allocator of its own')
    if !Pimap::Oom->possible();

# An event takes memory if it has many members, and if a member that counts has
# an escape.
my @places = (0, 1);
my $module = 'ngx_pimap_module.so';
my %large = (mailbox => 'a\\b', map { ("m$_" => 1) } 1 .. 40);

my $t = Pimap->new(allow => qr/failed \(12: Cannot allocate memory\)/);
my $oom = Pimap::Oom->new($t);
my $redis = $t->redis();

# No check finds an event that was skipped.
$t->nginx()->{http} = 'pimap_gap_check 0;';
$t->nginx()->{env} = { $oom->env() };

$t->plan(5 * @places + 15);
$t->run();
$t->wait_ready();

my $uid = 0;


# A parked device.

my $s = $t->park_live('alice');

for my $skip (@places) {
    my $name = "allocation $skip fails";

    $oom->fail(by => $module, skip => $skip);
    publish('alice');
    is(next_uid($s), $uid, "live: $name: the event comes");
    is($oom->failed(), 1, "live: $name: it has failed");

    # The first is the one that is live, the second the one of the log.

    $oom->fail(by => $module, skip => $skip, count => 2);
    publish('alice') for 1, 2;
    is(join(' ', map { next_uid($s) } 1, 2), join(' ', $uid - 1, $uid),
        "from the log: $name, and there, too: two events come, in order");
    $oom->stop();
}

is($t->status()->{events}{invalid}, 0, 'no event is called invalid');
is($t->log_lines(qr/no memory for an event of account "alice"/), 1,
    'it is logged, once a minute');


# A device that comes back reads a page of the log.

my $id = $redis->log('bob', { event => 'MessageNew', uid => 0 });

publish('bob') for 1 .. 5;

for my $skip (@places) {
    $oom->fail(by => $module, skip => 4 + $skip);

    my $back = $t->park('bob', headers => { 'Last-Event-ID' => $id });

    is(join(' ', map { next_uid($back) } 1 .. 5),
        join(' ', $uid - 4 .. $uid),
        "a device comes back, allocation $skip of an event fails: all come");
    is($oom->failed(), 1, 'it has failed');
    $back->close();
}


# The log cannot be read at once, because the reader needs memory, too.

$oom->fail(by => $module);
publish('alice');
is(next_uid($s), $uid, 'an event comes');

my $reader = 80;                # bytes of ngx_pimap_log_reader_t

$oom->fail(by => 'nginx', size => $reader);
$redis->command('CLIENT', 'KILL', 'TYPE', 'pubsub');
publish('alice');
is(next_uid($s), $uid, 'no memory for a reader: the missed event comes');
is($oom->failed(), 1, 'no memory for a reader: it has failed');


# An event without an id is in no log.

my $reading = $t->park('alice', query => 'format=ndjson');
$reading->read_until(qr/parked.*\n/);

for my $place (@places) {
    $oom->fail(by => $module, skip => $place);
    $redis->publish('alice', { event => 'FlagsSet', uid => 1,
        %large });

    my $event = $s->event() // {};

    is("$event->{event} $event->{json}{reason}", 'resync memory',
        "PUBLISH, allocation $place fails: resync");
    ok($reading->read_until(qr/"reason":"memory".*\n/), 'in each format');
}

publish('alice');
is(next_uid($s), $uid, 'later events come');
is($t->workers(), 1, 'the worker is there');


# A request that waits for a result, with a parked device and without.

for my $account (qw(alice carol)) {
    my $p = $t->request('POST', "/update?account=$account&device=x",
        headers => { Prefer => 'wait=10',
            'Content-Type' => 'application/json' },
        body => '{"id":"u","update":"x"}');

    $t->wait_for(sub { $redis->command('EXISTS',
        "pimap:{$account}:update:u x") }, 'the update');
    $t->subscribed($account);

    $oom->fail(by => $module);
    $redis->fcall('result', $account, 'x', 'u',
        { status => 'done', text => '\\', %large });
    is($p->status(), 200, "no memory for a result, $account: it is answered");
    $oom->stop();
    $p->close();
}


# The announcement of a device needs memory in the queue of commands.

my $command = 64;               # bytes of ngx_pimap_command_t

$t->subscribed('alice');

my $phone = $t->park('alice', query => 'device=phone',
    headers => { 'Last-Event-ID' => $id });
$phone->read_until(qr/: parked\n.*\n\n/);

my $listener = $redis->connect();
$listener->command('SUBSCRIBE', $redis->channel('alice'));
$oom->fail(by => 'nginx', size => $command, count => 2);
my $newer = $t->park('alice', query => 'device=tablet');
$newer->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $oom->spent() }, 'failures'),
    'a device is announced without memory');
like($listener->reply()->[2], qr/^!present \d+ [0-9a-f]{16} tablet$/,
    'it is announced a bit later');


sub publish {
    $redis->log($_[0], { event => 'MessageNew', uid => ++$uid, %large });
}


sub next_uid {
    my $event = $_[0]->event() // {};
    return $event->{json}{uid} // "$event->{event}?";
}
