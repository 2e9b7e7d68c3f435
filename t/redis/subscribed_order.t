#!/usr/bin/perl

# When an account is subscribed, first or again, the rows of the table in
# ngx_pimap_module.c are called in its order, which is a contract.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @order = qw(supersede_subscribed gap_subscribed
    handover_incoming_subscribed revoke_check update_waiter_subscribed);

my $t = Pimap->new(log => 'debug', http => 'pimap_update_wait 20s;');
$t->plan(7);
$t->run();
$t->wait_ready();

my $phone = $t->park('alice', query => 'device=phone');
$phone->read_until(qr/: parked\n.*\n\n/);
ok($t->subscribed('alice'), 'an account is subscribed');
$t->wait_for(sub { my @rows = rows(); @rows == @order });
is_deeply([ rows() ], \@order, 'the rows are called in order');

# The commands that Redis gets when the account is subscribed again.

my $waiting = $t->request('POST', '/update?account=alice&device=tablet',
    body => '{"id":"u1","update":"x"}', headers => { Prefer => 'wait=20',
        'Content-Type' => 'application/json' });
ok($t->wait_for(sub { $t->redis()->command('EXISTS',
    'pimap:{alice}:update:u1 tablet') }), 'a request waits for a result');

my $monitor = $t->redis()->connect();
$monitor->command('MONITOR');
$t->redis()->command('CLIENT', 'KILL', 'TYPE', 'pubsub');

my @seen;

for (1 .. 20) {
    my $line = $monitor->reply() // last;

    push(@seen, $1) if $line =~ /"PUBLISH" "pimap:\{alice\}" "!(present)/
        || $line =~ /"HGETALL" "pimap:\{alice\}:(revoked)"/
        || $line =~ /"FCALL" "pimap_(update)" "2" "pimap:\{alice\}"/;
    last if @seen == 3;
}

is_deeply(\@seen, [qw(present revoked update)],
    'Redis gets the commands in the same order');
is_deeply([ (rows())[5 .. 9] ], \@order, 'the rows are called once more');

# A device leaves and comes back before Redis has answered: the account is
# subscribed once.

my $redis = $t->redis();

$phone->close();
$t->wait_for(sub { $t->worker_status()->{accounts} == 1 }, 'its end');
$redis->pause();

for (1 .. 3) {
    my $s = $t->park('bob');

    $s->read_until(qr/: parked\n.*\n\n/);
    $s->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end');
}

my $bob = $t->park('bob');

$bob->read_until(qr/: parked\n.*\n\n/);
$redis->resume();
$t->subscribed('bob');
$t->wait_for(sub { $t->ready() }, 'readiness');
is($t->worker_status()->{redis}{subscribed}, 2,
    'a device comes and goes while Redis is silent: subscribed once');
$bob->close();
ok($t->wait_for(sub { $t->worker_status()->{redis}{subscribed} == 1 },
    'the end'), '    and not after it has left');


sub rows {
    return $t->log() =~
        /subscribed: account:"alice" calls:ngx_pimap_(\w+)/g;
}
