#!/usr/bin/perl

# What workers say about the requests of a device: a message of an older
# request, or one that comes late or twice, ends nothing and is answered.
# Workers of earlier versions send a message without a time.

use strict;
use warnings;
no warnings qw(portable);      # numbers of 64 bits

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);

$t->plan(22);
$t->run();

my $redis = $t->redis();
my $listener = $redis->connect();

$listener->command('SUBSCRIBE', $redis->channel('alice'));
$t->wait_ready();


# A device says when its request came.

my $phone = parked();
my ($since, $token) = said();

ok($since, 'a device is parked: its worker says so');
cmp_ok(abs($since / 1e6 - time()), '<', 5, 'with the time of its request');

# (greater is newer)
my $below = sprintf('%016x', hex($token) - 1);
my $above = sprintf('%016x', hex($token) + 1);

for (
    ['an older request', $since - 1, $above],
    ['the same time, a smaller token', $since, $below],
) {
    my ($name, @what) = @$_;

    $redis->publish('alice', "!present @what phone");
    is((said())[0], $what[0], "$name: is said");
    is(join(' ', said()), "$since $token", "$name: is answered");
    ok($phone->quiet(0.1), "$name: the device stays");
}

$redis->publish('alice', "!present $since $token phone") for 1, 2;
is(join(' ', map { said() } 1, 2), "$since $token $since $token",
    'its own words again');
ok($phone->quiet(0.1), 'its own words again: the device stays');

$redis->publish('alice', '!present ' . ($since + 1) . " $below tablet");
said();
ok($phone->quiet(0.1), 'a newer request of another device: it stays');

$redis->publish('alice', "!present $since $above phone");
said();
is(($phone->event() // {})->{event}, 'superseded',
    'the same time, a greater token: the device ends');
ok($phone->ended(), 'in good order');

$phone = parked();
($since) = said();
$redis->publish('alice', '!present ' . ($since + 1) . " $below phone");
said();
is(($phone->event() // {})->{event}, 'superseded',
    'a later time: the device ends');


# Workers of an earlier version.

$phone = parked();
said();
$redis->publish('alice', "!supersede $below tablet");
said();
ok($phone->quiet(0.1), 'earlier version: another device, it stays');
$redis->publish('alice', "!supersede $below phone");
said();
is(($phone->event() // {})->{event}, 'superseded',
    'earlier version: a request of this device, it ends');


# A clock that is behind another host's: within a worker times always rise.

my ($pid) = $t->workers();
my @times;
my @both = @{ $t->nginx()->only($pid, sub {
    return [map { my $s = parked(); push(@times, (said())[0]); $s } 1, 2];
}) };

is(($both[0]->event() // {})->{event}, 'superseded', 'one worker: superseded');
cmp_ok($times[0], '<', $times[1], 'the later request has the later time');

# Redis answers an announcement with an error, and the connection stays.

$listener->command('SUBSCRIBE', $redis->channel('bob'));
$redis->command('ACL', 'SETUSER', 'default', '-publish');
$phone = $t->park('bob', query => 'device=radio');
ok($t->wait_for(sub { $t->log() =~ /can't announce .*NOPERM/ }),
    'Redis refuses an announcement: the reason is logged');

my $elder = $redis->connect();

$elder->command(qw(ACL SETUSER elder on nopass ~* &* +@all));
$elder->command(qw(AUTH elder any));
$elder->command('PUBLISH', $redis->channel('bob'), $_)
    for "!supersede $below radio", '{"event":"MessageNew"}';
is($phone->event()->{event}, 'MessageNew',
    'earlier version, a device that is not announced yet: it stays');
$redis->command('ACL', 'SETUSER', 'default', '+publish');

my $message;

do { $message = $listener->reply() }
    while ($message && $message->[2] !~ /^!present .* radio$/);
ok($message, 'it is repeated');

is($t->status()->{events}{invalid}, 0, 'no message was refused');


sub parked {
    my $s = $t->park('alice', query => 'device=phone');

    $s->read_until(qr/: parked\n.*\n\n/);
    return $s;
}


# The next message: (since, token), or (name, token)

sub said {
    my $message = $listener->reply() // return;

    return $message->[2] =~ /^!(?:present (\d+)|(supersede)) ([0-9a-f]{16}) /
        ? ($1 // $2, $3) : ();
}
