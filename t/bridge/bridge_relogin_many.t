#!/usr/bin/perl

# Many accounts wait to be told to log in again. A user who logs in meanwhile
# is watched before them, also one who waits already. The others have their
# turn afterwards.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

use constant MANY => 60;

my $t = Pimap->new();
$t->plan(9);
$t->redis()->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

# A worker with devices of all these accounts

my $worker = $t->redis()->connect();

$worker->send('SUBSCRIBE', map { "pimap:{user$_}" } 1 .. MANY);
$worker->send('SUBSCRIBE', 'pimap:{alice}');

my $bridge = Pimap::Bridge->new(t => $t, lease => 'time = "2s";',
    sessions => 'connect_rate = 4;')->start();
my $other = Pimap::Bridge->new(t => $t, name => 'other',
    lease => 'time = "2s";')->start();

ok($t->wait_for(sub { ($bridge->metric('connects_waiting') // 0)
    > MANY - 10 }), 'many accounts wait for their turn');

# one that waits, and one that is not known yet

is($bridge->auth('alice', 'secret'), 'alice', 'a user logs in');
ok($t->wait_for(sub { $bridge->metric('accounts_with_session') == 1 }),
    '    the account is watched');
cmp_ok($bridge->metric('connects_waiting'), '>', MANY / 3,
    '    before the others have had their turn');

$worker->send('SUBSCRIBE', 'pimap:{bob}');
is($bridge->auth('bob', 'secret'), 'bob', 'another one logs in');
ok($t->wait_for(sub { $bridge->metric('accounts_with_session') == 2 }),
    '    the account is watched');
cmp_ok($bridge->metric('connects_waiting'), '>', MANY / 3,
    '    before the others have had their turn');
ok($t->wait_for(sub { $bridge->metric('connects_waiting') == 0
    && $bridge->metric('relogins_total') >= MANY }, 'the others', 60),
    'the others have it, too');
is($bridge->metric('accounts_with_session'), 2, '    both are watched still');

$_->stop() for $bridge, $other, $dovecot;
