#!/usr/bin/perl

# The example in C survives any answer, under valgrind: it comes back, goes on
# after the last whole event, waits as long as it was told to, and loses no
# memory.

use strict;
use warnings;

use File::Temp;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

my $ok = "HTTP/1.1 200 OK\r\n";
my $begin = "retry: 20\nid: 1-1\nevent: parked\ndata: {}\n\n";
my $event = "id: 1-2\nevent: X\ndata: {}\n\n";

# what it gets, in this order

my @answers = (
    empty => "${ok}Content-Length: 0\r\n\r\n",
    nothing => '',
    garbage => "hello\r\n\r\n",
    whole => "$ok\r\n$begin",
    half => "$ok\r\n${begin}id: 1-2\nevent: X\n",
    'no id' => "$ok\r\nretry: 20\nevent: parked\ndata: {}\n\n"
        . "event: Y\ndata: {}\n\n",
    long => "$ok\r\n${begin}data: " . 'x' x 2_000_000,
    odd => "$ok\r\n$begin\n\n: z\ndata\nid: " . '7' x 300 . "\nevent: "
        . 'n' x 300 . "\n\nid: 1-1\nretry: -5\n\n",
    chunk => "${ok}Transfer-Encoding: chunked\r\n\r\nzz",
    gzip => "${ok}Content-Encoding: gzip\r\n\r\nxxxx",
    last => "$ok\r\n$begin${event}event: superseded\ndata: {}\n\n",
);

my $dir = File::Temp->newdir('pimap_XXXXXX', TMPDIR => 1);
my $program = "$dir/pimap_client";

plan(tests => 11);

is(system(qw(cc -std=gnu99 -Wall -Wextra -Werror -g -o), $program,
    '../integrations/c/pimap_client.c', '-lcurl'), 0, 'it is compiled');

my ($text, $status, %asked) = run(valgrind => @answers);

is($status, 0, 'odd answers: it ends well, without a leak') or diag($text);
is($asked{half}, '1-1', 'a whole event: it goes on after it');
is($asked{'no id'}, '1-1', 'half an event: it goes on before it');
is($asked{long}, '1-1', '    also if the next response begins without an id');
like($text, qr/^\tY\t\{\}$/m, '    whose event has no id');
like($text, qr/^1-2\tX\t\{\}$/m, 'it has the last event');
like($text, qr/^\terror\t\{"status":0,"why":"\S.*"\}$/m,
    'an error has a reason');

# usleep() would take these seconds modulo 4294.97.

my $busy = "HTTP/1.1 503 x\r\nRetry-After: 4295\r\nContent-Length: 0\r\n\r\n";

(undef, undef, %asked) = run(plain => first => $busy, second => $busy);
ok(exists $asked{first}, 'it is told to wait for more than an hour');
ok(!exists $asked{second}, '    it does');

($text, $status) = run(plain => only => "HTTP/1.1 403 x\r\n\r\n");
is($status >> 8, 1, 'a 403: it ends, with the status 1');


# Returns the program's output, its status, and the last id of each request.

sub run {
    my ($how, @given) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 9)
        or die "listen: $!\n";
    my @command = ($how eq 'valgrind' ? qw(valgrind -q --leak-check=full
        --error-exitcode=9 --errors-for-leak-kinds=definite) : (), $program,
        'http://127.0.0.1:' . $listen->sockport() . '/');
    my %last;

    local $ENV{PIMAP_TOKEN} = 'token';

    my $pid = open(my $output, '-|', "exec @command 2>&1") // die "run: $!\n";

    while (my ($name, $answer) = splice(@given, 0, 2)) {
        $listen->timeout($name eq 'second' ? 2 : 60);

        my $socket = $listen->accept() or last;
        my $request = '';

        while ($request !~ /\r\n\r\n/) {
            $socket->sysread($request, 4096, length($request)) or last;
        }

        ($last{$name}) = $request =~ /^Last-Event-ID: (.*?)\r/m;
        local $SIG{PIPE} = 'IGNORE';
        print $socket $answer;
        $socket->close();
    }

    kill('TERM', $pid) if $how eq 'plain' && exists $last{first};

    my $text = do { local $/; <$output> };

    close($output);
    return ($text, $?, %last);
}
