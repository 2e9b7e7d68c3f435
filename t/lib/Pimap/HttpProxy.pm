package Pimap::HttpProxy;

# A proxy of HTTP for connections by CONNECT.  It notes the first line of each
# request, and "clear" if bytes in between have a token.  Modes: "open";
# "refuse": it wants a password.

use strict;
use warnings;

use IO::Socket::INET;

use parent qw(Pimap::Fake);


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my (%peer, %head);

    local $SIG{PIPE} = 'IGNORE';

    while (my @ready = $select->can_read()) {
        for my $fh (@ready) {
            if ($fh == $server) {
                my $client = $server->accept() // next;

                $head{$client} = '';
                $select->add($client);
                next;
            }

            my $other = $peer{$fh};

            if (!$fh->sysread(my $bytes, 65536)) {
                $select->remove($fh, $other // ());
                delete @peer{$fh, $other // ()};
                CORE::close($_) for $fh, $other // ();

            } elsif ($other) {
                $self->note('clear') if $bytes =~ /Bearer/;
                $other->syswrite($bytes);

            } elsif (($head{$fh} .= $bytes) =~ /\r\n\r\n/
                and my $to = $self->connected(delete $head{$fh}))
            {
                @peer{$fh, $to} = ($to, $fh);
                $select->add($to);
                $fh->syswrite("HTTP/1.1 200 Connected\r\n\r\n");

            } elsif (!defined $head{$fh}) {
                $fh->syswrite("HTTP/1.1 407 Password\r\n"
                    . "Content-Length: 0\r\n\r\n");
            }
        }
    }
}


# The connection that a request asks for, unless it is refused.

sub connected {
    my ($self, $head) = @_;

    my ($line) = $head =~ /^(.*)\r\n/;

    $self->note($line);
    return if $self->mode() eq 'refuse' || $line !~ /^CONNECT (\S+) HTTP/;
    return IO::Socket::INET->new(PeerAddr => $1);
}


1;
