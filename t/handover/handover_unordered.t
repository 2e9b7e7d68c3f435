#!/usr/bin/perl

# Redis refuses the markers of a hand-over for as long as it takes.  The old
# worker waits once, not again for each window of accounts, and the log says
# what that costs.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { ACCOUNTS => 80, WAIT => 5 };

my $t = Pimap->new(log => 'notice', allow => qr/can't order the events/,
    http => 'pimap_drain 60s;');
my $redis = $t->redis();

$t->plan(10);
$t->run();
$t->wait_ready();

my @s = map { $t->park("user$_") } 1 .. ACCOUNTS;

is(scalar(grep { $_->read_until(qr/: parked\n.*\n\n/) } @s), ACCOUNTS,
    'devices park');
$t->wait_for(sub { $t->status()->{devices}{detached} == ACCOUNTS }, 'all');
$t->subscribed("user$_") for 1 .. ACCOUNTS;

my @old = $t->workers();
my $began = time();

$redis->command(qw(ACL SETUSER default -publish));
$t->nginx()->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old worker leaves');

my $took = time() - $began;

cmp_ok($took, '>=', WAIT, 'it has waited for the markers');
cmp_ok($took, '<', 2 * WAIT, 'once');
is(told(), 1, 'the log says so, once');

$redis->command(qw(ACL SETUSER default +publish));
$t->wait_for(sub { $t->status()->{parked} == ACCOUNTS }, 'the devices');
$t->wait_ready();
is($t->status()->{connects}, ACCOUNTS, 'no device has come back');
$redis->log("user$_", { event => 'QuotaExceed' }) for 1 .. ACCOUNTS;
is(scalar(grep { ($_->event() || {})->{event} eq 'QuotaExceed' } @s), ACCOUNTS,
    'each gets the next event');

# The machine is halted for longer than that: it is no reason to go without.

my $refused = refused();

@old = $t->workers();
$redis->command(qw(ACL SETUSER default -publish));
$t->nginx()->reload();
ok($t->wait_for(sub { refused() > $refused }, 'a refusal'),
    'again: Redis refuses');
kill('STOP', @old);
sleep(WAIT + 1);
kill('CONT', @old);
sleep(0.2);
$redis->command(qw(ACL SETUSER default +publish));
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old worker was halted, and leaves');
is(told(), 1, '    in order, as soon as the markers come');


sub refused { return scalar($t->log_lines(qr/PUBLISH with "NOPERM/)) }
sub told { return scalar($t->log_lines(qr/\[warn\].* not told the new/)) }
