#!/usr/bin/perl

# nginx asks the sentinels for the master, also after a failover: devices stay
# parked, get a resync because the log is another, and get later events.  An
# old master that comes back gets no command.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Torture::Trouble;

my $t = Pimap->new(workers => 2);
my $trouble = Pimap::Torture::Trouble->new(t => $t, sentinel => 1);
my $other = Pimap->new(redis => $t->redis());
my $uid = 0;

# The first sentinel is not there.

my $address = $trouble->address() =~ s{//}{'//127.0.0.1:' . $t->port('none')
    . ','}er;

$t->nginx()->{http} = "pimap_redis $address timeout=1s probe=500ms;";
$other->nginx()->{http} = 'pimap_redis ' . ($trouble->address() =~ s/main$/x/r)
    . ';';

$t->plan(12);
$trouble->start();
$t->nginx()->start();
ok($t->wait_ready(), 'the master is found');

sub post {
    my $event = { event => 'MessageNew', uid => ++$uid };
    my $answer;

    # a publish that Redis refuses is repeated

    $t->wait_for(sub { $answer = $t->publish('alice', $event);
        $answer->{status} == 200 }, 'an answer', 20);

    return $answer->{json}{id};
}

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} // $_->{event} } $s->events($n));
}

my $s = $t->park('alice');
my $away = $t->park('alice');

$_->read_until(qr/: parked\n.*\n\n/) for $s, $away;

my $id = post();

is(uids($_, 1), 1, 'an event') for $s, $away;
$away->close();

# The master is killed; its replica becomes the master.

my $old = $trouble->master();

$trouble->happens('failover');
isnt($trouble->master(), $old, 'a failover: another master');
ok($t->wait_for(sub { $t->ready() }, 'readiness', 20),
    'a failover: nginx uses the new master');

my $next = post();

is(uids($s, 2), 'resync 2', 'a failover: resync, then the new event');
$away = $t->park('alice', headers => { 'Last-Event-ID' => $id });
is(uids($away, 1), 'resync', 'a failover: a device that resumes gets resync');

$away->close();
$away = $t->park('alice', headers => { 'Last-Event-ID' => $next });
post();
is(uids($_, 1), 3, 'a failover: the next event') for $s, $away;
is(join("\n", grep { /cmd=(?:subscribe|fcall)/ && !/name=sentinel/ }
    split(/\n/, $old->connect()->command('CLIENT', 'LIST'))), '',
    'the old master is back: no connection to it');

# A master unknown to the sentinels.

$other->nginx()->start();
ok($other->wait_for(sub { $other->log()
    =~ /connect to redis: the sentinel knows no address of the master/ }),
    'an unknown master: logged');
is($other->get('/status?ready')->{status}, 503,
    'an unknown master: not ready');
