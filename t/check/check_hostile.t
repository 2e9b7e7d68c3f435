#!/usr/bin/perl

# pimap-check goes on whatever a server answers: the wrong answer is a failure
# of its own, and all later steps are there.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;
use Pimap::FakeRedis;
use Pimap::FakeWeb;

my $t = Pimap->new(mode => '', allow => qr/\[emerg\]/);

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
my $chunks = "${head}Transfer-Encoding: chunked\r\n\r\n";

# What the address of devices answers, the finding, and its words

my @web = (
    ['only a head', $chunks, 'delivery.park:buffered',
        qr/only the head/],
    ['a bad chunk', "${chunks}zz\r\n", 'delivery.answers:odd',
        qr/bad chunk/],
    ['a chunk that is too large', "${chunks}fffffff\r\n" . 'x' x 2_000_000,
        'delivery.answers:odd', qr/too large/],
    ['text that never ends', "$head\r\n" . 'x' x 2_000_000,
        'delivery.answers:odd', qr/too large/],
    ['a head that never ends', 'HTTP/1.1 200 ' . 'x' x 2_000_000,
        'delivery.park:no-answer', qr/too large/],
    ['bytes that are not compressed', "${head}Content-Encoding: gzip\r\n\r\n"
        . "x\n\n", 'delivery.answers:odd', qr/not well compressed/],
    ['another protocol', "220 mail\r\n\r\n", 'delivery.park:no-answer',
        qr/not HTTP/],
    ['control characters', "HTTP/1.1 200 OK\r\nVia: a\e[2J\x01\r\n"
        . "Content-Type: text/event-stream\r\n\r\n"
        . "event: parked\ndata: {}\n\n",
        'delivery.proxy:seen', qr/through a/],
    ['the end', 'close', 'delivery.park:no-answer',
        qr/closed without an answer/],
);

# What Redis answers to INFO

my @redis = (
    ['an error', "-ERR no\r\n", qr/ERR no/],
    ['a number', ":1\r\n", qr/./],
    ['a text that is too large', "\$99999999999\r\n", qr/too large/],
    ['nested arrays', "*1\r\n" x 100_000, qr/./],
    ['no length', "\$x\r\n", qr/./],
    ['HTTP', "HTTP/1.1 400 Bad Request\r\n\r\n", qr/no Redis/],
);

$t->plan(2 * @web + 2 * @redis + 4);
Pimap::Check->set_up($t);
$t->nginx()->{locations} .= 'location = /events { '
    . 'pimap_account alice; pimap_events; }';

my $web = Pimap::FakeWeb->new(t => $t, name => 'web', mode => '')->start();
my $redis = Pimap::FakeRedis->new(t => $t, name => 'fake')->start();
my $check = Pimap::Check->new(t => $t, url => 'http://127.0.0.1:'
    . $web->port() . '/');

$t->run();
Pimap::Check->ready($t);

for (@web) {
    my ($name, $answer, $result, $words) = @$_;

    $web->mode($answer);
    $check->run('--timeout', 1);
    $check->is($result, $result =~ /proxy/ ? 'warn' : 'fail', $words, qr/./,
        "the address answers with $name");
    ok($check->{by}{'login.wrong'}, '    all steps were taken');
    unlike($check->{text}, qr/[\x00-\x09\x0b-\x1f]/, '    in plain text')
        if $name eq 'control characters';
}

# A worker has the event, for another device of the account.

my $parked = "$chunks" . "18\r\nevent: parked\ndata: {}\n\n\r\n";
my $alice = $t->request('GET', '/events');

$alice->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
$web->mode($parked);
$check->run('--timeout', 1);
$check->is('delivery.device:held-back', 'fail',
    qr/does not come \(through a proxy\)/,
    qr/buffering/, 'the event does not come');
$web->mode("${parked}0\r\n\r\n");
$check->run('--timeout', 1);
$check->is('delivery.device:closed', 'fail', qr/closed before the event/,
    qr/error log/, 'the response ends before the event');
$alice->close();
$t->wait_for(sub { !$t->redis()->numsub('alice') }, 'the end');
$check->run('--timeout', 1);
$check->is('delivery.worker:none', 'fail',
    qr/no worker has a device of "alice"\z/,
    qr/one Redis/, 'a device that no worker has');

# Redis

$t->nginx()->{bare} = 1;
$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $redis->port() . ";\n"
    . $t->nginx()->{http};
$t->write_file($t->dir() . '/nginx.conf', $t->nginx()->conf());
$web->mode('close');

for (@redis) {
    my ($name, $answer, $words) = @$_;

    $redis->answer({ then => $answer });
    $check->run();
    $check->is('redis.answers:odd', 'fail', $words, qr/which server/,
        "Redis answers with $name");
    ok($check->{by}{'login.wrong'}, '    all steps were taken');
}
