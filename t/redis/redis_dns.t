#!/usr/bin/perl

# Redis by a name.  With nginx's "resolver" the name may be slow, missing, and
# there in the end, and a worker serves others meanwhile; without one it is
# looked up when nginx starts.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dns;

my $t = Pimap->new(allow => qr/\[emerg\].* host not found in/);
my $redis = $t->redis(port => 1);
my $dns = Pimap::Dns->new(t => $t, name => 'dns', mode => 'silent');
my $port = $t->port('redis');

$t->plan(20);

$t->nginx()->{http} = "pimap_redis redis://redis.test:$port "
    . "connect_timeout=500ms timeout=2s;\npimap_drain 100ms;\n"
    . 'resolver 127.0.0.1:' . $t->port('dns') . ' ipv6=off valid=1s;';

$dns->start();
$t->run();

# No answer.

ok($t->wait_for(sub { $dns->noted('silent') }, 'a query'), 'asked');

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n\n/), 'parked while the name is looked up');
is($t->get('/status?ready')->{status}, 503, 'not ready');
is($t->publish('alice', { event => 'One' })->{status}, 503, 'not published');
ok($t->wait_for(sub { $t->log_lines(qr/lost redis: connect timed out/) == 2 },
    'a line'), 'said');

# The answer is that there is none.

$dns->mode('missing');

ok($t->wait_for(sub { $dns->noted('missing') }, 'a query'), 'asked again');
ok($t->park('bob')->read_until(qr/: parked\n\n/), 'parked without the name');
is($t->log_lines(qr/lost redis/), 2, 'one line an outage, not one a query');

# It is there.

$dns->mode('127.0.0.1');

ok($t->wait_ready(), 'ready');
ok($t->subscribed('alice'), 'subscribed');
is($t->publish('alice', { event => 'Two' })->{json}{receivers}, 1,
    'published');
is(($s->event() // {})->{event}, 'Two', 'delivered');

# It moves: after a loss the name is looked up again.

$dns->mode('127.0.0.3');
$redis->stop();
ok($t->wait_for(sub { $t->log_lines(qr/lost redis/) == 4 }, 'the loss'),
    'lost');
$redis->{options} = ['bind 127.0.0.3'];
$redis->start();

ok($t->wait_ready(), 'ready at another address');
ok($t->subscribed('alice'), 'subscribed there');
is(($s->event() // {})->{event}, 'resync', 'its log is another one');
$redis->publish('alice', { event => 'Three' });
is(($s->event() // {})->{event}, 'Three', 'delivered from there');

# Without a resolver.

$redis->{options} = [];
$redis->restart();
$t->nginx()->{http} = "pimap_redis redis://localhost:$port;";
$t->reload();

ok($t->wait_ready(), 'a name at start');

$t->nginx()->{http} = "pimap_redis redis://no.such.host.invalid:$port;";

my ($accepted, $output) = $t->nginx()->check();

ok(!$accepted, 'a missing name at start');
like($output, qr/\[emerg\].* host not found in "pimap_redis" \S*no\.such\./,
    'and it is said');
