#!/usr/bin/perl

# A bridge that joins gets no account whose update is being carried out, so no
# update ends as "unknown".  It gets the account afterwards.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

# By chance the other bridge prefers none of 8 in a run of 256.

use constant ACCOUNTS => 16;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(8);
$t->run();

my $fake = Pimap::FakeImap->new(t => $t);
$fake->start();

# A server that answers a copy much later

my $go = $t->dir() . '/go';
my %mail = (INBOX => [5, 1]);

$fake->script(
    Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
    ['serve', \%mail, 'IDLE'], ['serve', \%mail, 'DONE'], ['hold', $go],
    ['serve', \%mail, 'LOGOUT']);

my %bridge = map { $_ => Pimap::Bridge->new(t => $t, name => $_,
    imap => $fake->port(), server => Pimap::Bridge->master(),
    lease => 'time = "1s"; rebalance = 100;') }
    qw(one two);

my @names = map { "user$_" } 1 .. ACCOUNTS;

$bridge{one}->start()->wait_healthy();

my @devices = map { $t->park($_) } @names;

$_->read_until(qr/: parked\n.*\n\n/) for @devices;
ok($bridge{one}->watches(ACCOUNTS), 'a bridge watches all accounts');

my $redis = $t->redis();

$redis->command('FCALL', 'pimap_update', 2, "pimap:{$_}", 'pimap:updates', 100,
    'phone', 'u1', $t->json({ id => 'u1', update => 'copy',
        mailbox => 'INBOX', uids => [1], to => 'INBOX' })) for @names;
ok($t->wait_for(sub { $fake->noted(qr/DONE/) == ACCOUNTS }, 'copies'),
    'it carries out an update of each');

my $inbox = $redis->connect();

$inbox->command('PSUBSCRIBE', 'pimap:bridge:one-*');
$bridge{two}->start();

my %asked;

while (!grep { $_ > 1 } values(%asked)) {
    my $reply = $inbox->reply(10) // last;

    $asked{$1}++ if $reply->[3] =~ /^give two-\S+ (.*)/;
}

ok(scalar(grep { $_ > 1 } values(%asked)),
    'another bridge joins, and asks for an account again and again');
unlike($bridge{one}->log(), qr/given to bridge/, '    it gets none of them');
is($redis->command('XLEN', 'pimap:updates'), ACCOUNTS,
    '    no update has ended');

$t->write_file($go, '');
ok($t->wait_for(sub { $redis->command('XLEN', 'pimap:updates') == 0 },
    'results'), 'the server answers: the updates end');
is($bridge{one}->metric('updates_unknown_total'), 0, '    none as "unknown"');
ok($t->wait_for(sub { ($bridge{two}->metric('accounts_with_session') // 0)
    > 0 }, 'a share'), '    the other bridge gets its part');

$_->close() for @devices;
$_->stop() for values(%bridge);
