#!/usr/bin/perl

# Two devices have got the same events, but one of them a ping between.  The
# next event is compressed for each by what it has got, and each can read it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1, http => 'pimap_ping 0 min=1 max=60;');

$t->plan(16);
$t->run();
$t->wait_ready();

my @s = map { $t->park('alice', query => $_,
    headers => { 'Accept-Encoding' => 'gzip' }) } 'ping=0', 'ping=2', 'ping=0';

$_->read_until(qr/: parked\n.*\n\n/) for @s;
$t->subscribed('alice');

my $uid = 0;

for my $round (1 .. 3) {
    event();
    is(uids(), join(' ', ($uid) x 3), 'an event');
    ok($s[1]->read_until(qr/event: ping\n.*\n\n/), '    one gets a ping');
    event() for 1, 2;
    is(uids(), join(' ', ($uid - 1) x 3), '    the next event');
    is(uids(), join(' ', ($uid) x 3), '    and another');
}

is($s[$_]->{stream}, 'open', "stream $_ can be read") for 0 .. 2;
cmp_ok($t->status()->{compression}{shared}, '>', 0,
    'devices that got the same share what is compressed');


sub event {
    $t->redis()->log('alice', { event => 'MessageNew', uid => ++$uid,
        subject => 'The same words again and again', from => 'bob@example' });
}


sub uids {
    return join(' ', map { $_->{json}{uid} } map { $_->events(1) } @s);
}
