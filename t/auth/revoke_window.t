#!/usr/bin/perl

# Look-ups of revoked logins that were lost with the connection to Redis do not
# count as under way: a worker with more of them than it asks at a time finds a
# revocation when Redis is back.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

use constant N => 70;           # 64 are asked at a time

my $t = Pimap->new(workers => 1);
my $token = Pimap::Token->new($t);
my $key = $token->jwks('keys.json', 'secret');

$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' timeout=20s;';
$t->nginx()->{locations} .= <<"END";
    pimap_token_key $key;

    location = /token { pimap_login token; pimap_events; }
END

$t->plan(4);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my @s = map { park("a$_") } 1 .. N;

$_->read_until(qr/: parked\n.*\n\n/) for @s;
$t->subscribed("a$_") for 1 .. N;
$redis->pause();

my @late = map { park("a$_", 'device=late') } 1 .. N;

is((grep { $_->read_until(qr/: parked\n.*\n\n/) } @late), N,
    'Redis is silent: look-ups are under way');

# (pause() and kill() would let Redis answer in between)

kill('KILL', $redis->{process}->pid());
$redis->kill();
ok($t->wait_away(), 'Redis is away');

my @pids = $t->workers();

kill('STOP', @pids);
$redis->start()->load();
$redis->revoked('a1');
kill('CONT', @pids);
is(($s[0]->event() // {})->{event}, 'expired',
    'Redis is back: the revocation is found');
is(($late[0]->event() // {})->{event}, 'expired',
    '    also for the device that came meanwhile');


sub park {
    my ($account, $query) = @_;

    return $t->request(GET => '/token?' . ($query // ''),
        headers => $token->issued($account));
}
