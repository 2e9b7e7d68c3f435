package Pimap::FakeDav;

# A DAV server controlled by the test: one account with one address book,
# "/book/" in the home "/".  The mode is JSON: "book" (name => etag), "ctag",
# and how it behaves, by method, "method path" or "user method":
# { "REPORT" => { "status", "body", "headers", "close" (after so many bytes),
# "endless" (body again and again), "drip" } }; "after" has the answers to a
# sync-token, token => the same.  A list of answers is given in its order, the
# last one again and again.  With "via", the port of a real server, this is a
# proxy that loses the answers to the methods of "lose", and answers 500 to the
# path "broken".
# Each request is noted, with its method and path, and "user: method"; the
# value of "X-As", with which a master user acts for another; and "If-Match".

use strict;
use warnings;

use JSON::PP;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(sleep);

use parent qw(Pimap::Fake);

my $json = JSON::PP->new()->latin1();


sub new {
    my ($class, %set) = @_;

    return $class->SUPER::new(mode => '{}', name => 'fakedav', %set);
}


sub url    { 'http://127.0.0.1:' . $_[0]->port() }
sub behave { $_[0]->mode($json->encode($_[1])) }


# One process for each connection.

sub serve {
    my ($self, $server) = @_;

    local $SIG{CHLD} = 'IGNORE';
    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        my $client = $server->accept() // next;

        if (fork() == 0) {
            CORE::close($server);
            while ($self->_request($client)) { }
            POSIX::_exit(0);
        }

        CORE::close($client);
    }
}


sub _request {
    my ($self, $client) = @_;

    my $text = '';

    while ($text !~ /\r\n\r\n/) {
        sysread($client, $text, 65536, length($text)) or return;
    }

    my ($head, $body) = split(/\r\n\r\n/, $text, 2);
    my ($method, $path) = $head =~ /^(\S+) (\S+)/;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;

    while (length($body) < ($length // 0)) {
        sysread($client, $body, 65536, length($body)) or return;
    }

    $self->note("$method $path");

    my ($login) = $head =~ /^Authorization: Basic (\S+)/mi;
    my ($user) = decode_base64($login // '') =~ /^([^:]*)/;

    $self->note('login') if defined $login;
    $self->note("$user: $method");
    $self->note("as $1") if $head =~ /^X-As: (\S+)/mi;
    $self->note("if $1") if $head =~ /^If-Match: (.*?)\r?$/mi;

    my $mode = $json->decode($self->mode());

    return _relay($client, $mode, $method, $head, $body)
        if $mode->{via} && $path ne ($mode->{broken} // '');
    return $self->_answer($client, $method, { status => 500 }, '')
        if $mode->{via};

    my ($token) = $body =~ /sync-token>([^<]*)</;
    my $how = (defined $token ? $mode->{after}{$token} : undef)
        // $mode->{"$user $method"} // $mode->{"$method $path"}
        // $mode->{$method} // {};

    if (ref($how) eq 'ARRAY') {
        my $now = @$how > 1 ? shift(@$how) : $how->[0];
        $self->behave($mode);
        $how = $now;
    }

    return $self->_answer($client, $method, $how,
        $how->{body} // _default($mode, $method, $path, $body));
}


sub _relay {
    my ($client, $mode, $method, $head, $body) = @_;

    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $mode->{via}) // return;
    my ($answer, $bytes) = ('', '');

    $head =~ s/^(?:Connection|Upgrade|HTTP2-Settings):.*\r?\n//gmi;
    syswrite($server, "$head\r\nConnection: close\r\n\r\n$body");
    $answer .= $bytes while sysread($server, $bytes, 65536);
    $answer =~ s/^Connection:.*\r?\n//mi;
    $answer =~ s/\r\n/\r\nConnection: close\r\n/;

    syswrite($client, $answer)
        if !grep { $_ eq $method } @{ $mode->{lose} // [] };
    return;
}


sub _answer {
    my ($self, $client, $method, $how, $body) = @_;

    my $status = $how->{status} // ($method =~ /^(?:PUT|DELETE)$/ ? 204 : 207);
    my $length = $how->{endless} ? '' : 'Content-Length: ' . length($body)
        . "\r\n";
    my $answer = "HTTP/1.1 $status X\r\nContent-Type: application/xml\r\n"
        . join('', map { "$_: $how->{headers}{$_}\r\n" }
            keys %{ $how->{headers} // {} }) . "$length\r\n$body";

    if ($how->{hang}) {
        1 while sysread($client, my $bytes, 1024);
        return;
    }

    if (defined $how->{close}) {
        syswrite($client, substr($answer, 0, $how->{close}));
        return;
    }

    if ($how->{drip}) {
        for (split(//, $answer)) {
            syswrite($client, $_) or return;
            sleep(0.0005);
        }

        return 1;
    }

    syswrite($client, $answer);

    if ($how->{endless}) {
        while (syswrite($client, $how->{endless} x 100)) { }
        return;
    }

    return 1;
}


sub multistatus {
    return '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" '
        . 'xmlns:A="urn:ietf:params:xml:ns:carddav" '
        . "xmlns:S=\"http://calendarserver.org/ns/\">@_</D:multistatus>";
}


sub response {
    my ($href, $prop) = @_;

    return "<D:response><D:href>$href</D:href><D:propstat><D:prop>$prop"
        . '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>'
        . '</D:response>';
}


sub _default {
    my ($mode, $method, $path, $body) = @_;

    return multistatus(response($path, '<D:current-user-principal><D:href>/'
        . '</D:href></D:current-user-principal><A:addressbook-home-set>'
        . '<D:href>/</D:href></A:addressbook-home-set>'))
        if $body =~ /current-user-principal/;

    my $token = defined $mode->{token}
        ? "<D:sync-token>$mode->{token}</D:sync-token>" : '';

    return multistatus(response('/', '<D:resourcetype><D:collection/>'
        . '</D:resourcetype>') . response('/book/', '<D:resourcetype>'
        . '<D:collection/><A:addressbook/></D:resourcetype>'
        . '<D:displayname>Book</D:displayname>'
        . (defined $mode->{ctag} ? "<S:getctag>$mode->{ctag}</S:getctag>"
            : '') . $token)) if $path eq '/';

    my $book = $mode->{book} // {};

    return multistatus((map { response("/book/$_",
        "<D:getetag>$book->{$_}</D:getetag>") } sort keys %$book),
        $method eq 'REPORT' ? $token : '');
}


1;
