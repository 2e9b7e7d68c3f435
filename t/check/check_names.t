#!/usr/bin/perl

# pimap-check compares the names of parked accounts with those that events were
# published to.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '');

$t->plan(11);
Pimap::Check->set_up($t);
$t->nginx()->{locations} .= <<'END';
        location = /events {
            pimap_account $arg_account;
            pimap_account_case keep;
            pimap_events;
        }
END
$t->redis()->start();
$t->run();
Pimap::Check->ready($t);

my $event = { event => 'MessageNew' };
my $check = Pimap::Check->new(t => $t, account => 'nobody');

$check->run();
$check->is('names.published', 'skip', qr/no device/, qr/^$/,
    'nothing is parked');

my $alice = park('alice');

$check->run();
$check->is('names.published:no-event', 'warn',
    qr/1 of 1 .*"alice"/, qr/next steps/,
    'an account without an event');
$t->redis()->log('alice', $event);
$check->run();
$check->is('names.published', 'pass', qr/: 1$/, qr/^$/,
    'an account with events');

# Other spellings

my $case = park('Bob');

$t->redis()->log('bob', $event);
$check->run();
$check->is('names.published:other-name', 'fail',
    qr/"Bob" is parked .* "bob" has/,
    qr/pimap_account_case/, 'another case');
$case->close();
$t->wait_for(sub { !$t->redis()->numsub('Bob') }, 'the end');

my $domain = park('carol');

$t->redis()->log('carol@example.com', $event);
$check->run();
$check->is('names.published:other-name', 'fail',
    qr/"carol" .* "carol\@example.com" has/,
    qr/domain/, 'without the domain');
$domain->close();
$t->wait_for(sub { !$t->redis()->numsub('carol') }, 'the end');

my $two = park('dave@example.com');

$t->redis()->log('dave@example.org', $event);
$check->run();
$check->is('names.published:no-event', 'warn', qr/1 of 2/, qr/./,
    'another domain is another user');
$two->close();
$t->wait_for(sub { !$t->redis()->numsub('dave@example.com') }, 'the end');

# Its own test events do not hide that.

my $mine = Pimap::Check->new(t => $t, account => 'Alice');

$t->nginx()->{server} = 'pimap_account_case keep;';
$t->nginx()->{http} =~ s/(auth_basic pimap;)/$1 pimap_account_case keep;/;
$t->reload();
$alice->close();
$mine->run() for 1, 2;
$mine->is('names.published:other-name', 'fail',
    qr/"Alice" is parked .* "alice" has/,
    qr/pimap_account_case/, 'after two runs with the wrong name');
$t->redis()->command('XTRIM', 'pimap:{Alice}', 'MAXLEN', 1);
$mine->run();
$mine->is('names.published:other-name', 'fail',
    qr/"Alice" is parked .* "alice" has/,
    qr/pimap_account_case/, '    of which the log has lost the first');
is($mine->result('delivery.device'), 'pass', '    which get the test event');

# Many names

$t->redis()->log("user$_", $event) for 1 .. 3000;

my $last = park('USER3000');

$check->run();
$check->is('names.published:other-name', 'fail',
    qr/"USER3000" .* "user3000"/, qr/./,
    'one of many');

# A user with few rights

$t->redis()->command('ACL', 'SETUSER', 'default', '-scan');
$check->run();
$check->is('names.published:right', 'unknown', qr/NOPERM/, qr/--redis/,
    'a user that may not list keys');
$t->redis()->command('ACL', 'SETUSER', 'default', '+scan');


sub park {
    my ($account) = @_;

    my $s = $t->park($account);

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    return $s;
}
