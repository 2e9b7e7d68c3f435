#!/usr/bin/perl

# One account sends more updates than the bridge has places.  The update of
# another account is carried out before the first one's are done, and none of
# these is lost.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

use constant { FLOOD => 1500, PLACES => 20 };

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(6);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
$dovecot->deliver(to => $_, subject => 'mail') for qw(alice bob);

my $redis = $t->redis();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    updates => 'max_waiting = ' . PLACES . ';')->start()->wait_healthy();
my %device = map { $_ => $t->park($_, query => 'device=phone') }
    qw(alice bob);

$_->read_until(qr/: parked\n.*\n\n/) for values(%device);
ok($bridge->watches(2), 'two accounts are watched');

$redis->together(sub { update('alice', $_) for 1 .. FLOOD });
update('bob', 1);
is(result('bob')->{status}, 'done', 'many updates of one account: another '
    . 'account has the result of its own');

# how many are left depends on how fast they are read until bob's is

cmp_ok($redis->command('XLEN', 'pimap:updates'), '>', 2 * PLACES,
    '    while they still wait');

my @results = map { result('alice') } 1 .. FLOOD;
is(scalar(grep { ($_->{status} // '') eq 'done' } @results), FLOOD,
    '    all of these are carried out, too');
is_deeply([ map { $_->{update} } @results ], [ map { "u$_" } 1 .. FLOOD ],
    '    in their order');
ok($t->wait_for(sub { $redis->command('XLEN', 'pimap:updates') == 0
        && $bridge->metric('updates_held') == 0
        && $bridge->metric('updates_placed') == 0 }, 'nothing waits'),
    '    nothing waits any more');

$_->close() for values(%device);
$bridge->stop();
$dovecot->stop();


sub update {
    my ($account, $n) = @_;

    $redis->command('FCALL', 'pimap_update', 2, "pimap:{$account}",
        'pimap:updates', 10000, 'phone', "u$n", $t->json({ id => "u$n",
            update => 'search', mailbox => 'INBOX', query => {} }));
}


sub result {
    my ($account) = @_;

    while (my $event = $device{$account}->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult';
    }

    return {};
}
