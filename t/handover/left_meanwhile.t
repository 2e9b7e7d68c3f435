#!/usr/bin/perl

# The last device of an account leaves while its worker waits for the marker of
# the hand-over.  The worker is not subscribed any more, so no marker can come.
# It does not wait five seconds for it, and exits.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new(mode => '', log => 'notice');
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port() . ';';

$t->plan(3);
$t->redis()->start();
$proxy->start();
$t->run();
$t->wait_ready();

# How long a worker without devices takes on this machine now.

my ($first) = $t->workers();
my $began = time();

$t->nginx()->{process}->signal('HUP');
$t->wait_for(sub { !-e "/proc/$first" }, 'its end', 60);

my $usual = time() - $began;

my @s = map { $t->park("user$_") } 1 .. 3;

$_->read_until(qr/: parked\n.*\n\n/) for @s;
$t->wait_for(sub { $t->status()->{devices}{detached} == 3 }, 'detached');
$t->subscribed("user$_") for 1 .. 3;

my ($old) = $t->workers();

$proxy->mode('marker');
$t->nginx()->{process}->signal('HUP');
ok($t->wait_for(sub { $proxy->noted('marker') }), 'a hand-over begins');
$_->close() for @s;
ok($t->wait_for(sub { !-e "/proc/$old" }, 'its end', 3 + 3 * $usual),
    'its devices leave: the old worker exits at once');
$proxy->mode('open');
ok($t->wait_for(sub { $t->status()->{accounts} == 0 }),
    'the new worker forgets their accounts');
